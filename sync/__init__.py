"""The engine between the doors: connectors, reading, routing, intake, projection, deliveries, feed.

May import `schema` only. Start reading at `sync.connectors.binding`, then `sync.intake`.
"""
