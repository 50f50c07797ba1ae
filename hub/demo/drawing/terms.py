"""Draws the commercial side of the projects: how they are priced, and where they are booked."""

from dataclasses import replace
from random import Random

from hub.demo.engagements import Project

METHODS = ("time_and_materials", "fixed_price", "milestone", "retainer", "mixed")
REGIONS = {"NL01": "EMEA", "UK01": "UKI", "US01": "AMER"}


def book_project(rng: Random, project: Project) -> Project:
    """Tax follows the client's country; most clients give a purchase order."""
    client = project.engagement.client
    return replace(
        project,
        method=rng.choices(METHODS, (6, 3, 2, 1, 1))[0],
        cost_centre=f"{client.entity.code}-{rng.randint(1, 6) * 100}",
        region=REGIONS[client.entity.code],
        tax_region=client.country,
        po_number=f"PO-{rng.randrange(10**5, 10**6)}" if rng.random() < 0.7 else None,
    )
