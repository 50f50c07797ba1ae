"""The front door for requests: GraphQL roots, nodes, paging, loaders and error translation.

May import `sync` and `schema`, never `cdc` or `hub`. Start reading at `resolvers.query`.
"""
