"""Engagement in the graph, with its edges."""

import strawberry

from resolvers.nodes.edge import edge
from resolvers.nodes.links import ToClient, ToProjects
from resolvers.nodes.node import Node
from schema.edges import ENGAGEMENT_CLIENT, ENGAGEMENT_PROJECTS
from schema.entities.engagement import Engagement


@strawberry.type(name="Engagement", description=Engagement.__doc__)
class EngagementNode(Engagement, Node):
    client: ToClient | None = edge(ENGAGEMENT_CLIENT)
    projects: ToProjects | None = edge(ENGAGEMENT_PROJECTS)
