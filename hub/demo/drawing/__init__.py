"""Draws a believable firm from a seed number, subject by subject; start at `drawing.firm`."""
