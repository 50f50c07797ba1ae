"""Client in the graph, with its edges."""

import strawberry

from resolvers.nodes.edge import edge
from resolvers.nodes.links import ToEngagements, ToInvoices, ToProjects
from resolvers.nodes.node import Node
from schema.edges import CLIENT_ENGAGEMENTS, CLIENT_INVOICES, CLIENT_PROJECTS
from schema.entities.client import Client


@strawberry.type(name="Client", description=Client.__doc__)
class ClientNode(Client, Node):
    engagements: ToEngagements | None = edge(CLIENT_ENGAGEMENTS)
    projects: ToProjects | None = edge(CLIENT_PROJECTS)
    invoices: ToInvoices | None = edge(CLIENT_INVOICES)
