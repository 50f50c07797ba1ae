"""What the firm's currencies are worth to each other: a rate for every month, in each direction."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import permutations
from random import Random

IN_EUR = {"EUR": Decimal(1), "GBP": Decimal("1.17"), "USD": Decimal("0.92")}
MONTHS = tuple(date(year, month, 1) for year in (2025, 2026) for month in range(1, 13))
PUBLISHER = "ECB"
PAR = "PAR"
"""The source of the rate of a currency to itself, which nobody publishes."""
MILLIONTH = Decimal("0.000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """How many of `quote` one of `base` is worth from `since` on."""

    base: str
    quote: str
    rate: Decimal
    since: date
    source: str

    @classmethod
    def at_par(cls, currency: str, day: date) -> "Exchange":
        """Of a currency to itself."""
        return cls(base=currency, quote=currency, rate=Decimal(1), since=day, source=PAR)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeTable:
    """What was published of each pair of currencies, month by month."""

    by_pair: Mapping[tuple[str, str], Sequence[Exchange]]

    @property
    def published(self) -> list[Exchange]:
        return [one for rates in self.by_pair.values() for one in rates]

    def at(self, base: str, quote: str, day: date) -> Exchange:
        """The last one published by then; within one currency it is 1 on any day."""
        if base == quote:
            return Exchange.at_par(base, day)
        return self.by_pair[base, quote][bisect_right(MONTHS, day) - 1]


def draw_exchange(seed: int) -> ExchangeTable:
    """The same seed gives the same rates."""
    rng = Random(f"{seed} exchange")
    drifts = [1 + Decimal(rng.randint(-20, 20)) / 1000 for _ in MONTHS]
    dated = list(zip(MONTHS, drifts, strict=True))
    pairs = permutations(IN_EUR, 2)
    return ExchangeTable(by_pair={pair: [publish(*pair, *one) for one in dated] for pair in pairs})


def publish(base: str, quote: str, month: date, drift: Decimal) -> Exchange:
    """Both directions drift alike, so that the way back is not the reciprocal."""
    rate = (IN_EUR[base] / IN_EUR[quote] * drift).quantize(MILLIONTH)
    return Exchange(base=base, quote=quote, rate=rate, since=month, source=PUBLISHER)
