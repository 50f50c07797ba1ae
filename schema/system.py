"""The systems that own or hold parts of the canonical graph."""

from enum import Enum

import strawberry


@strawberry.enum(description="A system of record or a replica behind the graph.")
class System(Enum):
    CRM = "crm"
    PSA = "psa"
    HR = "hr"
    ERP = "erp"
    BILLING = "billing"
    HUB = "hub"
    """Concord itself: holds, billing events, frozen prices."""
