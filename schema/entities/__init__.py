"""The canonical types, one per file; `schema.canon` lists them."""
