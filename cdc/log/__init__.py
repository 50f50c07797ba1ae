"""The log between captures and the listener: one port, and an adapter for each engine."""
