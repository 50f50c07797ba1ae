"""Cursors and tokens come back exactly as given, or are refused."""

from __future__ import annotations

import base64

import pytest

from schema.canon import Client
from schema.errors import Invalid
from schema.ids import mint
from schema.system import System
from sync.policy import Keyset, Paging, keyset_of, seal_cursor
from sync.token import WriteToken, seal_token, unseal_token

TOKEN = WriteToken(entity=Client, record_id=mint("cli", "crm", "A"), system=System.CRM, version=3)


def _sealed(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


def test_a_token_comes_back_as_it_was() -> None:
    """Sealing loses nothing."""
    assert unseal_token(seal_token(TOKEN)) == TOKEN


@pytest.mark.parametrize(
    "text",
    [
        "",
        "%%%",
        "é",
        "a" * 5_000,
        _sealed("[]"),
        _sealed('{"v":1}'),
        _sealed('{"v":2,"e":"client","i":"x","s":"crm","n":1}'),
        _sealed('{"v":1,"e":"client","i":"x","s":"crm","n":1}'),
        _sealed('{"v":1,"e":"pirate","i":"x","s":"crm","n":1}'),
        _sealed(f'{{"v":1,"e":"client","i":"{TOKEN.record_id}","s":"hr","n":1}}'),
        _sealed(f'{{"v":1,"e":"client","i":"{TOKEN.record_id}","s":"crm","n":"1"}}'),
        seal_cursor("ACC-1"),
    ],
)
def test_what_is_not_a_token_is_refused(text: str) -> None:
    """Garbage, other versions, other shapes, foreign ids and systems are all Invalid."""
    with pytest.raises(Invalid):
        unseal_token(text)


def test_cursors_become_keys() -> None:
    """A cursor of any key, also one that is not ASCII, bounds the range it was taken from."""
    cursor = seal_cursor("Ö/1")
    assert keyset_of(Paging(last=5, before=cursor)) == Keyset(
        limit=5, before="Ö/1", is_backward=True
    )
    longest = "字" * 255
    assert keyset_of(Paging(first=1, after=seal_cursor(longest))).after == longest


@pytest.mark.parametrize(
    "paging", [Paging(), Paging(first=1, last=1), Paging(first=1, after=seal_token(TOKEN))]
)
def test_pagings_that_mean_nothing_are_refused(paging: Paging) -> None:
    """Neither end, both ends, and a foreign cursor are Invalid."""
    with pytest.raises(Invalid):
        keyset_of(paging)
