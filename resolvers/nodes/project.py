"""Project in the graph, with its edges."""

import strawberry

from resolvers.nodes.edge import edge
from resolvers.nodes.links import ToClient, ToEngagement, ToInvoices, ToResource, ToResources
from resolvers.nodes.node import Node
from schema.edges import (
    PROJECT_CLIENT,
    PROJECT_ENGAGEMENT,
    PROJECT_INVOICES,
    PROJECT_MANAGER,
    PROJECT_TEAM,
)
from schema.entities.project import Project


@strawberry.type(name="Project", description=Project.__doc__)
class ProjectNode(Project, Node):
    client: ToClient | None = edge(PROJECT_CLIENT)
    engagement: ToEngagement | None = edge(PROJECT_ENGAGEMENT)
    invoices: ToInvoices | None = edge(PROJECT_INVOICES)
    manager: ToResource | None = edge(PROJECT_MANAGER)
    team: ToResources | None = edge(PROJECT_TEAM)
