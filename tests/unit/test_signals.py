"""What Debezium is asked for when a table is read again."""

from __future__ import annotations

import orjson

from cdc.capture.signals import signal_of
from sync.resnapshots import KeyRange


def test_a_whole_table() -> None:
    assert orjson.loads(signal_of("public.accounts", "id", KeyRange())) == {
        "type": "incremental",
        "data-collections": ["public.accounts"],
    }


def test_a_range_of_its_key() -> None:
    """A quote in a bound stays in the bound."""
    told = orjson.loads(signal_of("public.accounts", '"Id"', KeyRange(low="O'Hare", high="Z")))
    [condition] = told["additional-conditions"]
    assert condition == {
        "data-collection": "public.accounts",
        "filter": "\"Id\" >= 'O''Hare' AND \"Id\" <= 'Z'",
    }
