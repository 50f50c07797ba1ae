"""The objects of the graph: each canonical type with its edges; `resolvers.nodes.canon` lists them."""
