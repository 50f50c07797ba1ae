"""Who takes a write: the owner of its fields, or a refusal that says where they belong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from schema.entity import derived_fields, owned_fields
from schema.errors import Invalid, NotOwned
from schema.lifecycle import Lifecycle
from schema.lifecycles import LIFECYCLES
from schema.system import System


def owner_of(entity: type, fields: Iterable[str], *, named: System | None = None) -> System:
    """The one system that owns all of `fields`, which is `named` when the caller named one.

    Raises Invalid for a field that is not stored, and NotOwned when the fields, or the caller's
    idea of their owner, point to more than one system.
    """
    owners = {name: _owner(entity, name) for name in fields}
    if not owners:
        raise Invalid(f"Name at least one field of the {entity.__name__} to write.")
    wanted = named or next(iter(owners.values()))
    strangers = {name: owner for name, owner in owners.items() if owner is not wanted}
    if not strangers:
        return wanted
    if named is None:
        raise NotOwned(f"{_belongings(owners)}: send one mutation per owner.")
    raise NotOwned(
        f"{_belongings(strangers)}, not to {named.name}: send it in a mutation of its own with "
        f"owner {next(iter(strangers.values())).name}.",
        system=next(iter(strangers.values())),
    )


def lifecycle_of(entity: type) -> Lifecycle:
    """The steps of a type's life. Raises Invalid for a type that has none."""
    lifecycle = LIFECYCLES.get(entity)
    if lifecycle is None:
        raise Invalid(f"{entity.__name__} has no actions.")
    return lifecycle


def shown(name: str) -> str:
    """A field as clients spell it: `payment_terms_days` -> `paymentTermsDays`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _owner(entity: type, name: str) -> System:
    owned = owned_fields(entity).get(name)
    if owned is not None:
        return owned.owner
    derived = derived_fields(entity).get(name)
    if derived is None:
        raise Invalid(f"{entity.__name__} has no field {shown(name)} that can be written.")
    sources = " and ".join(shown(source) for source in derived.sources)
    raise Invalid(f"{shown(name)} is derived from {sources}: write those.")


def _belongings(owners: Mapping[str, System]) -> str:
    by_owner: dict[System, list[str]] = {}
    for name, owner in owners.items():
        by_owner.setdefault(owner, []).append(shown(name))
    return "; ".join(
        f"{', '.join(names)} belong{'' if names[1:] else 's'} to {owner.name}"
        for owner, names in by_owner.items()
    )
