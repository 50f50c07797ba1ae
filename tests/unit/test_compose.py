"""`compose.yaml` speaks of settings, commands and versions that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from hub.cli import cli
from hub.kafka.artifacts import PINS
from hub.settings import Settings

COMPOSE: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("migrate", "connectors", "serve", "listen", "deliver")


@pytest.mark.parametrize("name", OURS)
def test_the_settings_of_our_services_are_complete(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unknown variable would be refused, and so would a missing one."""
    for variable, value in SERVICES[name]["environment"].items():
        monkeypatch.setenv(variable, value)
    settings = Settings.from_env()
    assert settings.log == "kafka"
    assert settings.crm.capture_url is not None


@pytest.mark.parametrize("name", OURS)
def test_our_services_run_commands_that_exist(name: str) -> None:
    command: Any = get_command(cli)
    for word in SERVICES[name]["command"]:
        command = command.commands[word]


@pytest.mark.parametrize(
    ("service", "pin"), [("kafka", "kafka.version"), ("connect", "debezium.version")]
)
def test_the_versions_are_those_that_are_tested(service: str, pin: str) -> None:
    """The pom alone decides; an image of another version would be another product."""
    found = re.search(f"<{pin}>(.+)</{pin}>", PINS.read_text())
    assert found is not None
    assert SERVICES[service]["image"].endswith(f":{found[1]}")
