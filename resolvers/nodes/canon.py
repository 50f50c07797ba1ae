"""The list of node types, by the canonical type they show."""

from collections.abc import Mapping

from resolvers.nodes.client import ClientNode
from resolvers.nodes.engagement import EngagementNode
from resolvers.nodes.invoice import InvoiceNode
from resolvers.nodes.node import Node
from resolvers.nodes.payment_status import PaymentStatusNode
from resolvers.nodes.project import ProjectNode
from resolvers.nodes.resource import ResourceNode
from schema.entities.client import Client
from schema.entities.engagement import Engagement
from schema.entities.invoice import Invoice
from schema.entities.payment_status import PaymentStatus
from schema.entities.project import Project
from schema.entities.resource import Resource

NODES: Mapping[type, type[Node]] = {
    Client: ClientNode,
    Engagement: EngagementNode,
    Project: ProjectNode,
    Resource: ResourceNode,
    Invoice: InvoiceNode,
    PaymentStatus: PaymentStatusNode,
}
