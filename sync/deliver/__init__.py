"""The parts of `sync.delivery`: the outbox, one record at one replica, and when to try again."""
