"""The legal entities the firm is made of."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A legal entity of the firm; its people sit in one of `places` (country, time zone).

    Its home is the first of them. `tax_code` is the category of the work it usually sells.
    """

    code: str
    name: str
    currency: str
    tax_code: str
    tax_rate: Decimal
    tax_kind: str
    tax_number: str
    taxed_at: str
    places: tuple[tuple[str, str], ...]
    city: str

    @property
    def country(self) -> str:
        return self.places[0][0]

    @property
    def time_zone(self) -> str:
        return self.places[0][1]


ENTITIES = (
    Entity(
        code="NL01",
        name="Meridian Partners B.V.",
        currency="EUR",
        tax_code="S",
        tax_rate=Decimal("0.21"),
        tax_kind="VAT",
        tax_number="NL809163160B01",
        taxed_at="CATEGORY",
        places=(("NL", "Europe/Amsterdam"), ("DE", "Europe/Berlin")),
        city="1016 DV Amsterdam",
    ),
    Entity(
        code="UK01",
        name="Meridian Partners (UK) Ltd",
        currency="GBP",
        tax_code="S",
        tax_rate=Decimal("0.20"),
        tax_kind="VAT",
        tax_number="GB928475610",
        taxed_at="CATEGORY",
        places=(("GB", "Europe/London"),),
        city="London EC2A 4NE",
    ),
    Entity(
        code="US01",
        name="Meridian Partners Inc.",
        currency="USD",
        tax_code="O",
        tax_rate=Decimal(0),
        tax_kind="EIN",
        tax_number="82-3194075",
        taxed_at="LINE",
        places=(("US", "America/New_York"), ("US", "America/Chicago")),
        city="New York, NY 10016",
    ),
)
