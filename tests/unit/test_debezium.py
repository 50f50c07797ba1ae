"""The connector we recommend, by what must be true of its envelopes and topics."""

from __future__ import annotations

from dataclasses import replace

from cdc.capture.debezium import TopicPlan, connector_of, differences
from cdc.capture.table_shape import CapturedTable

DSN = "postgresql://capture:s%40cret@db.example:5433/crm_live"
ACCOUNTS = CapturedTable(schema="public", name="accounts")
TRACES = CapturedTable(schema="public", name="traces", columns=("id", "record"))
PLAN = TopicPlan(partitions=6, retention_ms=604_800_000)


def test_it_names_the_owner_as_the_envelope_will() -> None:
    """`source.name` is the topic prefix, by which the decoder finds the bindings."""
    connector = connector_of("crm", DSN, [ACCOUNTS], PLAN)
    assert connector.name == "concord-crm"
    assert connector.config["topic.prefix"] == "crm"
    assert connector.config["table.include.list"] == "public.accounts"


def test_it_writes_values_as_our_own_reader_does() -> None:
    """Decimals as text, times in the precision of their column, no schemas."""
    config = connector_of("crm", DSN, [ACCOUNTS], PLAN).config
    assert config["decimal.handling.mode"] == "string"
    assert config["time.precision.mode"] == "adaptive"
    assert config["value.converter.schemas.enable"] == "false"
    assert config["extended.headers.enabled"] == "false"


def test_it_never_holds_the_password() -> None:
    """The printed text may be pasted anywhere; Connect finds the password in its environment."""
    config = connector_of("crm", DSN, [ACCOUNTS], PLAN).config
    assert config["database.password"] == "${env:CRM_DATABASE_PASSWORD}"
    assert not any("cret" in value for value in config.values())
    assert (config["database.hostname"], config["database.port"]) == ("db.example", "5433")
    assert (config["database.user"], config["database.dbname"]) == ("capture", "crm_live")


def test_a_table_that_only_touches_is_captured_without_its_other_columns() -> None:
    """As the publication of our own reader has it."""
    assert "column.include.list" not in connector_of("crm", DSN, [ACCOUNTS], PLAN).config
    config = connector_of("erp", DSN, [ACCOUNTS, TRACES], PLAN).config
    columns = r"public\.accounts[.].*,public\.traces[.](id|record)"
    assert config["column.include.list"] == columns


def test_topics_are_created_as_planned() -> None:
    """Transactions have one partition: an end must not come before its beginning."""
    config = connector_of("crm", DSN, [ACCOUNTS], PLAN).config
    assert config["topic.creation.default.partitions"] == "6"
    assert config["topic.creation.default.retention.ms"] == "604800000"
    assert config["topic.creation.transaction.include"] == r"crm\.transaction"
    assert config["topic.creation.transaction.partitions"] == "1"


def test_a_running_connector_is_compared() -> None:
    """Each difference is told; how Connect reaches the database is its own affair."""
    wanted = connector_of("crm", DSN, [ACCOUNTS], PLAN)
    assert differences(wanted, wanted.config) == []
    running = {**wanted.config, "decimal.handling.mode": "precise", "database.hostname": "proxy"}
    del running["heartbeat.interval.ms"]
    assert differences(wanted, running) == [
        "decimal.handling.mode is precise, not string",
        "heartbeat.interval.ms is not set, not 10000",
    ]
    assert differences(replace(wanted, name="other"), wanted.config) == []
