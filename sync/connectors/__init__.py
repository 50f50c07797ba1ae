"""The systems Concord speaks to: one module per system, independent of each other."""
