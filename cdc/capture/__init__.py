"""Captures: ways in which an owner's committed changes reach the log."""
