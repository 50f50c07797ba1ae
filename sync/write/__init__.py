"""The parts of `sync.routing`: who takes a write, and one effect per idempotency key."""
