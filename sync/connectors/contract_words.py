"""The contract system's words, which every copy of its records keeps."""

from __future__ import annotations

from schema.entities.amendment import AmendmentKind, AmendmentStatus
from schema.entities.milestone import MilestoneStatus
from schema.entities.rate_card_version import RateCardVersionStatus
from schema.entities.rate_line import IncrementRule
from schema.entities.retainer import RetainerPeriod, Rollover
from schema.entities.sow import BillMethod, SowStatus
from schema.rate import RateUnit

BILL_METHOD = {
    "TM": BillMethod.TIME_AND_MATERIALS,
    "FIXED": BillMethod.FIXED_PRICE,
    "MILESTONES": BillMethod.MILESTONE,
    "RETAINER": BillMethod.RETAINER,
    "MIXED": BillMethod.MIXED,
}
SOW_STATUS = {
    "DRAFT": SowStatus.DRAFT,
    "UNDER_REVIEW": SowStatus.IN_REVIEW,
    "APPROVED": SowStatus.APPROVED,
    "ACTIVE": SowStatus.ACTIVE,
    "SUSPENDED": SowStatus.SUSPENDED,
    "COMPLETED": SowStatus.COMPLETED,
    "TERMINATED": SowStatus.TERMINATED,
    "REJECTED": SowStatus.REJECTED,
}
AMENDMENT_KIND = {
    "RATE": AmendmentKind.RATE,
    "SCOPE": AmendmentKind.SCOPE,
    "CEILING": AmendmentKind.CAP,
    "PERIOD": AmendmentKind.DATES,
    "TERMS": AmendmentKind.TERMS,
}
AMENDMENT_STATUS = {
    "DRAFT": AmendmentStatus.DRAFT,
    "APPROVED": AmendmentStatus.APPROVED,
    "IN_FORCE": AmendmentStatus.EFFECTIVE,
    "REPLACED": AmendmentStatus.SUPERSEDED,
    "VOID": AmendmentStatus.VOIDED,
}
RATE_VERSION_STATUS = {
    "WORKING": RateCardVersionStatus.DRAFT,
    "PUBLISHED": RateCardVersionStatus.PUBLISHED,
}
INCREMENT_RULE = {"STARTED": IncrementRule.STARTED, "NEAREST": IncrementRule.NEAREST}
RATE_UNIT = {
    "HOURLY": RateUnit.HOUR,
    "DAILY": RateUnit.DAY,
    "MONTHLY": RateUnit.MONTH,
    "PER_UNIT": RateUnit.UNIT,
}
MILESTONE_STATUS = {
    "PLANNED": MilestoneStatus.PLANNED,
    "DONE": MilestoneStatus.COMPLETED,
    "ACCEPTED": MilestoneStatus.ACCEPTED,
    "DROPPED": MilestoneStatus.CANCELLED,
}
RETAINER_PERIOD = {
    "MONTHLY": RetainerPeriod.MONTH,
    "QUARTERLY": RetainerPeriod.QUARTER,
    "YEARLY": RetainerPeriod.YEAR,
}
ROLLOVER = {
    "FORFEIT": Rollover.NONE,
    "CARRY_ONE": Rollover.NEXT_PERIOD,
    "CARRY_ALL": Rollover.UNTIL_EXPIRY,
}
