"""`compose.yaml` speaks of settings, commands and versions that exist, and its services fit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from hub.cli import cli
from hub.demo.__main__ import arguments_parser
from hub.kafka.artifacts import PINS
from hub.settings import Settings
from schema.system import System

COMPOSE: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
IMAGE = SERVICES["serve"]["image"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == IMAGE}
STAND_INS = ("seed", "systems")
HUBS = sorted(OURS.keys() - set(STAND_INS))


def settings_of(name: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for variable, value in SERVICES[name]["environment"].items():
        monkeypatch.setenv(variable, value)
    return Settings.from_env()


def options_of(name: str) -> dict[str, Any]:
    return vars(arguments_parser().parse_args(SERVICES[name]["command"]))


def waited_for(name: str) -> set[str]:
    """All that has to come before a service."""
    directly = SERVICES[name].get("depends_on", {})
    return set(directly).union(*map(waited_for, directly))


@pytest.mark.parametrize("name", HUBS)
def test_the_settings_of_our_services_are_complete(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unknown variable would be refused, and so would a missing one."""
    settings = settings_of(name, monkeypatch)
    assert settings.log == "kafka"
    assert settings.crm.capture_url is not None


@pytest.mark.parametrize("name", HUBS)
def test_our_services_run_commands_that_exist(name: str) -> None:
    command: Any = get_command(cli)
    for word in SERVICES[name]["command"]:
        command = command.commands[word]


def test_the_stand_ins_are_where_the_hub_looks_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    settings, seeded, served = (
        settings_of("serve", monkeypatch),
        *map(options_of, STAND_INS),
    )
    for system in (one for one in System if one is not System.HUB):
        ours, name = settings.system(system), system.value
        assert ours.capture_url is not None
        assert ours.capture_url.get_secret_value() == seeded[f"{name}_dsn"] == served[f"{name}_dsn"]
        assert ours.url == f"http://127.0.0.1:{served[f'{name}_port']}"
        assert ours.key.get_secret_value() == f"demo-{name}"
    assert seeded["hub_dsn"] == settings.database_url.get_secret_value()


def test_every_database_is_created_and_connect_has_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = settings_of("connectors", monkeypatch)
    created = re.findall(r"CREATE DATABASE (\w+);", COMPOSE["configs"]["databases"]["content"])
    for system in System:
        url = settings.capture_url(system)
        assert url is not None
        user, _, place = url.get_secret_value().rpartition("@")
        assert place.rpartition("/")[2] in created
        password = SERVICES["connect"]["environment"][f"{system.name}_DATABASE_PASSWORD"]
        assert user.endswith(f":{password}")


def test_one_service_builds_our_image_and_none_pulls_it() -> None:
    """Without a policy, Compose asks a registry for what some stranger may have put there."""
    [builder] = [name for name, service in OURS.items() if "build" in service]
    assert OURS[builder]["pull_policy"] == "build"
    for name in OURS.keys() - {builder}:
        assert OURS[name]["pull_policy"] == "never"
        assert builder in waited_for(name)


def test_only_the_http_server_keeps_the_health_check_of_the_image() -> None:
    """On the host's network the check of any other would find the server, and tell of that one."""
    ending = {
        name
        for service in SERVICES.values()
        for name, wanted in service.get("depends_on", {}).items()
        if wanted["condition"] == "service_completed_successfully"
    }
    assert {n for n in OURS if n not in ending and "healthcheck" not in OURS[n]} == {"serve"}


def test_nothing_is_reachable_from_elsewhere() -> None:
    """All share the host's network, so whoever listens says that it does so on loopback."""
    assert {service["network_mode"] for service in SERVICES.values()} == {"host"}
    assert "-clisten_addresses=127.0.0.1" in SERVICES["postgres"]["command"]
    kafka, connect = (SERVICES[name]["environment"] for name in ("kafka", "connect"))
    for listeners in (kafka["KAFKA_LISTENERS"], connect["CONNECT_LISTENERS"]):
        assert all("://127.0.0.1:" in one for one in listeners.split(","))


@pytest.mark.parametrize(
    ("service", "pin"), [("kafka", "kafka.version"), ("connect", "debezium.version")]
)
def test_the_versions_are_those_that_are_tested(service: str, pin: str) -> None:
    """The pom alone decides; an image of another version would be another product."""
    found = re.search(f"<{pin}>(.+)</{pin}>", PINS.read_text())
    assert found is not None
    assert SERVICES[service]["image"].endswith(f":{found[1]}")
