"""What the drawings share: the day it is, numbers in another order, names as addresses."""

import unicodedata
from datetime import date
from random import Random

TODAY = date(2026, 11, 20)
FIRST_DAY = date(2025, 5, 20)
CLOSED_UNTIL = date(2026, 8, 31)
"""Last day of the last closed accounting period."""
MAIL_DOMAIN = "meridian-partners.example"


def shuffled(rng: Random, count: int) -> list[int]:
    """The numbers 1 to `count`: systems met the same records in different orders."""
    numbers = list(range(1, count + 1))
    rng.shuffle(numbers)
    return numbers


def ascii_word(name: str) -> str:
    """The name as it stands in an e-mail address."""
    plain = name.replace("ı", "i").replace("ø", "o").casefold()
    folded = unicodedata.normalize("NFKD", plain)
    return "".join(letter for letter in folded if letter.isascii() and letter.isalnum())
