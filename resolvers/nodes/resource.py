"""Resource in the graph; it has no edges yet."""

import strawberry

from resolvers.nodes.node import Node
from schema.entities.resource import Resource


@strawberry.type(name="Resource", description=Resource.__doc__)
class ResourceNode(Resource, Node):
    pass
