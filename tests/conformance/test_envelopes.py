"""The conformance pack, read by our reader: every recording means what the pack says it means.

The recordings of one file are read in order by one reader, as one consumer would.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cdc.envelope.kinds import Envelope, Recorded, Tombstone
from cdc.envelope.outbox import Outbox
from cdc.envelope.reader import EnvelopeReader
from cdc.envelope.schema_types import Field
from cdc.log.port import LogRecord
from schema.errors import Poison
from schema.position import Position, Topic
from sync.connectors.cells import Unscaled, date_of, decimal_of, instant_of

HERE = Path(__file__).parent
PACK = json.loads((HERE / "pack.json").read_text())
SCHEMAS = json.loads((HERE / "schemas.json").read_text())
APPENDED_AT = datetime(2026, 11, 20, tzinfo=UTC)
READS = {
    "decimal": lambda cell: None if cell is None else format(decimal_of(cell), "f"),
    "date": lambda cell: (day := date_of(cell)) and day.isoformat(),
    "timestamp": lambda cell: (moment := instant_of(cell)) and moment.isoformat(),
}


RECORDINGS = [
    pytest.param(path.stem, number, id=f"{path.stem}: {json.loads(line)['name']}")
    for path in sorted(HERE.glob("*.jsonl"))
    for number, line in enumerate(path.read_text().splitlines())
]


@pytest.mark.parametrize(("family", "number"), RECORDINGS)
def test_a_recording_means_what_the_pack_says(family: str, number: int) -> None:
    """A change, a tombstone, a marker, or a reject with its reason."""
    expected, meaning = meanings(family)[number]
    assert meaning == expected


@cache
def meanings(family: str) -> list[tuple[Any, Any]]:
    """What each recording of a file is expected to mean, and what it means to the reader."""
    outboxes = {topic: Outbox(**told) for topic, told in PACK["outboxes"].items()}
    usual = EnvelopeReader(outboxes=outboxes)
    lines = (HERE / f"{family}.jsonl").read_text().splitlines()
    found = []
    for line in map(json.loads, lines):
        reader = _configured(line) if "configured" in line else usual
        found.append((line["expected"], _meaning(reader, line)))
    return found


def _configured(line: Mapping[str, Any]) -> EnvelopeReader:
    """A reader for what its deployment has to tell: the placeholder, or the types of columns."""
    told = line["configured"]
    system, _, table = line["topic"].partition(".")
    fields = [Field(field=name, **how) for name, how in told.get("columns", {}).items()]
    options = {"placeholder": told["placeholder"]} if "placeholder" in told else {}
    return EnvelopeReader(declared={(system, table): fields}, **options)


def _meaning(reader: EnvelopeReader, line: Mapping[str, Any]) -> Any:
    try:
        return _told(reader.read(_record(line)), line["expected"])
    except Poison as poison:
        return {"reject": poison.reason}
    except Unscaled:
        return {"reject": "decimal_without_scale"}
    except (ValueError, TypeError, ArithmeticError):
        return {"reject": "bad_value"}


def _record(line: Mapping[str, Any]) -> LogRecord:
    headers = {name: _header(told) for name, told in line["headers"].items()}
    return LogRecord(
        position=Position(
            topic=Topic(line["topic"]), partition=line["partition"], offset=line["offset"]
        ),
        key=_octets(line["key"]),
        value=_octets(line["value"]),
        headers=headers,
        appended_at=APPENDED_AT,
    )


def _header(told: Any) -> bytes:
    return told.encode() if isinstance(told, str) else _octets(told) or b""


def _octets(told: Any) -> bytes | None:
    match told:
        case None:
            return None
        case {"$text": str() as text}:
            return text.encode()
        case {"$base64": str() as encoded}:
            return base64.b64decode(encoded)
    return json.dumps(_filled(told), ensure_ascii=False, separators=(",", ":")).encode()


def _filled(told: Any) -> Any:
    """With the schemas put in the place of their names."""
    if isinstance(told, list):
        return [_filled(one) for one in told]
    if not isinstance(told, dict):
        return told
    if told.keys() == {"$ref"}:
        return SCHEMAS[told["$ref"]]
    return {name: _filled(one) for name, one in told.items()}


def _told(read: Recorded, expected: Mapping[str, Any]) -> Any:
    if isinstance(read, Envelope):
        return {"change": _change(read, expected.get("change", {}))}
    if isinstance(read, Tombstone):
        return {"tombstone": {"key": read.key, "renamed_away": read.is_renamed_away}}
    members = {name: getattr(read, name) for name in read.__struct_fields__}
    return {"marker": {"kind": type(read).__name__, **{n: _plain(v) for n, v in members.items()}}}


def _change(read: Envelope, expected: Mapping[str, Any]) -> dict[str, Any]:
    """All that is expected to be said, and of what is optional no more than that."""
    columns = PACK["columns"].get(f"{read.system}.{read.table}", {})
    optional = {
        "partial": read.is_partial,
        "former_key": read.former_key,
        "new_key": read.new_key,
        "transaction": read.transaction,
        "origin": read.origin,
    }
    found = {
        "system": read.system,
        "table": read.table,
        "op": read.op,
        "key": read.key,
        "row": {name: _cell(columns.get(name), cell) for name, cell in read.row.items()},
        "position": read.lsn,
        **{name: told for name, told in optional.items() if told},
    }
    if "changed_at" in expected:
        found["changed_at"] = read.changed_at.isoformat()
    return found


def _cell(kind: str | None, cell: Any) -> Any:
    if kind is None:
        return cell
    if kind.endswith("[]"):
        return [READS[kind.removesuffix("[]")](one) for one in cell]
    return READS[kind](cell)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.decode() if isinstance(value, bytes) else value
