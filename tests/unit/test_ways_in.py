"""Which way a system is heard of is told by its settings, and what cannot be is refused at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from hub.settings import Settings
from schema.system import System

SECRET = "a secret of at least 24 bytes"


def settings(**hr: Any) -> Settings:
    names = ("crm", "psa", "erp", "billing")
    systems: dict[str, Any] = {name: {"url": "http://x", "key": "k"} for name in names}
    systems["hr"] = {"url": "http://x", "key": "k", "capture_url": "postgresql://x/hr", **hr}
    return Settings.model_validate({"database_url": "postgresql://x/hub", **systems})


def test_a_database_is_read_where_its_log_is_the_way() -> None:
    assert settings().capture_url(System.HR) is not None
    for way in ("poll", "webhook"):
        told = settings(capture=way)
        assert (told.way(System.HR), told.capture_url(System.HR)) == (way, None)
        assert (told.way(System.HUB), told.way(System.CRM)) == ("wal", "wal")


@pytest.mark.parametrize(
    "hr",
    [
        {"webhook_secrets": SECRET},
        {"capture": "mail"},
        {"capture": "webhook", "webhook_form": "morse"},
    ],
)
def test_two_ways_at_once_and_unknown_ones_are_refused(hr: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        settings(**hr)


@pytest.mark.parametrize("way", ["poll", "webhook"])
def test_what_cannot_be_polled_is_told_what_to_do(way: str) -> None:
    with pytest.raises(ValidationError, match=r"hr\n.*Leave capture=wal and set capture_url"):
        settings(capture=way, kind="tryton")


def test_ids_are_remembered_for_longer_than_they_may_be_replayed() -> None:
    told = settings().model_dump() | {"webhook_window": timedelta(days=4)}
    with pytest.raises(ValidationError, match="webhook_memory"):
        Settings.model_validate(told)
    assert SECRET not in repr(settings(capture="webhook", webhook_secrets=SECRET))
