"""Names of the node types for use in each other's edges, resolved when the schema is built."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from resolvers.paging import Connection

if TYPE_CHECKING:
    from resolvers.nodes.client import ClientNode
    from resolvers.nodes.engagement import EngagementNode
    from resolvers.nodes.invoice import InvoiceNode
    from resolvers.nodes.payment_status import PaymentStatusNode
    from resolvers.nodes.project import ProjectNode
    from resolvers.nodes.resource import ResourceNode

ToClient = Annotated["ClientNode", strawberry.lazy("resolvers.nodes.client")]
ToEngagement = Annotated["EngagementNode", strawberry.lazy("resolvers.nodes.engagement")]
ToProject = Annotated["ProjectNode", strawberry.lazy("resolvers.nodes.project")]
ToResource = Annotated["ResourceNode", strawberry.lazy("resolvers.nodes.resource")]
ToInvoice = Annotated["InvoiceNode", strawberry.lazy("resolvers.nodes.invoice")]
ToPaymentStatus = Annotated["PaymentStatusNode", strawberry.lazy("resolvers.nodes.payment_status")]

ToClients = Connection[ToClient]
ToEngagements = Connection[ToEngagement]
ToProjects = Connection[ToProject]
ToResources = Connection[ToResource]
ToInvoices = Connection[ToInvoice]
