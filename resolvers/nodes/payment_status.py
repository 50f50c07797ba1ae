"""PaymentStatus in the graph, with its edge."""

import strawberry

from resolvers.nodes.edge import edge
from resolvers.nodes.links import ToInvoice
from resolvers.nodes.node import Node
from schema.edges import PAYMENT_STATUS_INVOICE
from schema.entities.payment_status import PaymentStatus


@strawberry.type(name="PaymentStatus", description=PaymentStatus.__doc__)
class PaymentStatusNode(PaymentStatus, Node):
    invoice: ToInvoice | None = edge(PAYMENT_STATUS_INVOICE)
