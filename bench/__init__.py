"""Benches: measured by hand with `make bench`, never as timed tests."""
