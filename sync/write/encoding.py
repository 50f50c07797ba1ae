"""What is written, in the owner's own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args, get_origin

from schema.canon import BY_ID_TYPE, require_id
from schema.entity import bare_type
from schema.errors import Invalid
from sync.connectors.binding import Binding, Column
from sync.connectors.encoding import encode
from sync.write.ownership import shown
from sync.xref import Xref


async def encode_write(xref: Xref, binding: Binding, values: Mapping[str, Any]) -> dict[str, Any]:
    """The owner's cells, references in its own ids. Raises Invalid for what it cannot hold."""
    for name in values:
        if name in binding.read_only or name not in binding.owns:
            raise Invalid(
                f"{shown(name)} is set by {binding.system.name} itself and cannot be written.",
                system=binding.system,
            )
    own = {name: await _own_words(xref, binding, name, value) for name, value in values.items()}
    try:
        return encode(binding, own)
    except (ValueError, TypeError, AttributeError) as error:
        raise Invalid(f"{binding.system.name} cannot hold this: {error}") from error


async def _own_words(xref: Xref, binding: Binding, name: str, value: Any) -> Any:
    """A reference as the owner's own id; any other value as it is."""
    bare, place = bare_type(binding.field(name).type), binding.owns[name]
    is_list = get_origin(bare) is list
    target = BY_ID_TYPE.get(get_args(bare)[0] if is_list else bare)
    if target is None or value is None or not isinstance(place, Column):
        return value
    ids = value if is_list else [value]
    for record_id in ids:
        require_id(target, record_id)
    system = place.names or binding.system
    keys = await xref.external_ids(target, system, ids)
    missing = [record_id for record_id in ids if record_id not in keys]
    if missing:
        raise Invalid(
            f"{shown(name)}: {system.name} knows no {target.__name__} {', '.join(missing)}; "
            "check the id, or wait until its copy has arrived there."
        )
    return [keys[record_id] for record_id in ids] if is_list else keys[value]
