"""Invoice in the graph, with its edges."""

import strawberry

from resolvers.nodes.edge import edge
from resolvers.nodes.links import ToClient, ToPaymentStatus, ToProject
from resolvers.nodes.node import Node
from schema.edges import INVOICE_CLIENT, INVOICE_PAYMENT_STATUS, INVOICE_PROJECT
from schema.entities.invoice import Invoice


@strawberry.type(name="Invoice", description=Invoice.__doc__)
class InvoiceNode(Invoice, Node):
    client: ToClient | None = edge(INVOICE_CLIENT)
    project: ToProject | None = edge(INVOICE_PROJECT)
    payment_status: ToPaymentStatus | None = edge(INVOICE_PAYMENT_STATUS)
