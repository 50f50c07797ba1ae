"""The parts of `sync.intake`: folding, staging, references, reading back, echoes."""
