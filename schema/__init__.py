"""The canon: canonical types, who owns each field, edges, changes, money and errors.

Imports nothing of ours. Start reading at `schema.entities.client`, then `schema.entity`.
"""
