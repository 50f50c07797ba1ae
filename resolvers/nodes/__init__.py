"""The objects of the graph, each a canonical type with its edges; `canon` lists them."""
