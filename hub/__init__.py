"""The composition root: CLI, settings, wiring, HTTP and the demo.

May import every other package; nothing imports it. Start reading at `hub.cli`, then `hub.wiring`.
"""
