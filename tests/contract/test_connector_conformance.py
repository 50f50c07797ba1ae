"""Every connector keeps the promises of the conformance suite, and those of its own system."""

from __future__ import annotations

from datetime import UTC

import pytest
from support.conformance import ConnectorConformance

from schema.entities.time_entry import TimeEntryStatus
from schema.entity import FilterOp
from schema.errors import Invalid, Rejected
from schema.system import System
from sync.connectors import billing, crm, erp, hr, psa, psa_work
from sync.connectors.codec import decode
from sync.connectors.encoding import encode
from sync.connectors.http import Endpoint
from sync.connectors.ports import Condition, RowQuery, Writes

COMMA = Condition(column="name", op=FilterOp.IN, value=("ann@firm.example,bob@firm.example",))


class TestCrm(ConnectorConformance):
    connector = crm.Crm
    system = System.CRM
    creates = crm.CLIENT
    record = {  # noqa: RUF012 - a constant
        "account_name": "Šimůnek & Søn",
        "segment": "SMB",
        "owner_email": "ann@firm.example",
        "billing_country": "NL",
    }


class TestPsa(ConnectorConformance):
    connector = psa.Psa
    system = System.PSA
    creates = psa.CLIENT
    record = {"crm_account_id": "ACC-90001", "title": "Šimůnek & Søn"}  # noqa: RUF012 - a constant

    async def test_the_lifecycle_of_time_is_in_the_words_of_the_psa(
        self, connected: Writes
    ) -> None:
        """Canonical actions and arguments take an entry from draft to approved, and back."""
        assert isinstance(connected, psa.Psa)
        entry, key = psa_work.TIME_ENTRY, await self._open_entry(connected)
        await connected.act(entry, key, "submit", {})
        refused = {"by": "ann@firm.example", "reason": "Wrong day"}
        told = decode(entry, await connected.act(entry, key, "reject", refused))
        assert (told["rejected_by"], told["rejection_reason"]) == (refused["by"], "Wrong day")
        told = decode(entry, await connected.act(entry, key, "revise", {}))
        assert (told["rejected_by"], told["rejection_reason"]) == (None, None)
        await connected.act(entry, key, "submit", {})
        row = await connected.act(entry, key, "approve", {"by": "ann@firm.example"})
        told = decode(entry, row)
        assert (told["status"], told["approved_by"]) == (
            TimeEntryStatus.APPROVED,
            "ann@firm.example",
        )
        assert (told["worked"], told["approved_at"].tzinfo) == (20, UTC)
        with pytest.raises(Rejected, match="withdraw it before") as immutable:
            await connected.update(entry, key, {"memo": "x"})
        assert immutable.value.owner_code == "entry_immutable"
        again = decode(entry, await connected.act(entry, key, "recall", {}))
        assert (again["status"], again["approved_by"]) == (TimeEntryStatus.DRAFT, None)

    async def _open_entry(self, connected: Writes) -> str:
        """The key of an entry of twenty minutes, which hours with two digits cannot say."""
        where = Condition(column="state", op=FilterOp.IN, value=("OPEN",))
        projects = await connected.fetch(RowQuery(binding=psa.PROJECT, where=(where,), limit=1))
        row = {
            "user_id": "1",
            "project_id": projects.rows[0]["id"],
            "work_day": "2026-12-24",
            "timezone": "Europe/Amsterdam",
            **encode(psa_work.TIME_ENTRY, {"worked": 20}),
        }
        created = await connected.create(psa_work.TIME_ENTRY, row, idempotency_key="time-1")
        return str(created["id"])


class TestHr(ConnectorConformance):
    connector = hr.Hr
    system = System.HR
    creates = hr.RESOURCE
    record = {  # noqa: RUF012 - a constant
        "full_name": "Özgür Yılmaz",
        "work_email": "ozgur@firm.example",
        "worker_type": "EMPLOYEE",
        "employment_status": "ACTIVE",
        "country": "NL",
        "time_zone": "Europe/Amsterdam",
        "entity_code": "NL01",
        "hired_on": "2026-01-01",
    }


class TestErp(ConnectorConformance):
    connector = erp.Erp
    system = System.ERP
    creates = erp.CLIENT
    record = {"crm_account": "ACC-90001", "customer_name": "L'Œil d'Or"}  # noqa: RUF012 - a constant

    async def test_a_quote_stays_inside_its_text(self, connected: Writes) -> None:
        """A value with quotes is looked for, not run as part of the filter."""
        await connected.create(erp.CLIENT, self.record, idempotency_key="quote-1")
        for sought, is_found in (("L'ŒIL D'O", True), ("' or customer_no ge '", False)):
            where = Condition(column="customer_name", op=FilterOp.CONTAINS, value=sought)
            page = await connected.fetch(RowQuery(binding=erp.CLIENT, where=(where,)))
            assert bool(page.rows) is is_found

    @pytest.mark.parametrize("key", ["1 or doc_id gt 0", "x", "-1", "", "1" * 20])
    async def test_a_forged_number_is_invalid(self, connected: Writes, key: str) -> None:
        """A key that is no number never becomes part of a filter."""
        with pytest.raises(Invalid, match="whole number"):
            await connected.fetch(RowQuery(binding=erp.INVOICE, after=key))

    async def test_posting_into_a_closed_period_is_refused_in_its_words(
        self, connected: Writes
    ) -> None:
        """The ERP says which period is closed and what to do; its code tells it from others."""
        draft = Condition(column="document_status", op=FilterOp.IN, value=("DRAFT",))
        page = await connected.fetch(RowQuery(binding=erp.INVOICE, where=(draft,), limit=1))
        key = str(page.rows[0]["doc_id"])
        assert isinstance(connected, erp.Erp)
        with pytest.raises(Rejected, match=r"period 2026-01 .* is closed; reopen it") as refused:
            await connected.act(erp.INVOICE, key, "post", {"posting_date": "2026-01-31"})
        assert refused.value.owner_code == "PERIOD_CLOSED"


class TestBilling(ConnectorConformance):
    connector = billing.Billing
    system = System.BILLING
    creates = billing.CLIENT
    record = {"crm_account": "ACC-90001", "name": "Šimůnek & Søn"}  # noqa: RUF012 - a constant

    async def test_the_same_key_twice_has_one_effect(self, connected: Writes) -> None:
        """Billing remembers the key: the second create answers the record of the first."""
        record = {"crm_account": "ACC-90002"}
        first = await connected.create(billing.CLIENT, record, idempotency_key="once-1")
        again = await connected.create(billing.CLIENT, record, idempotency_key="once-1")
        where = Condition(column="crm_account", op=FilterOp.IN, value=("ACC-90002",))
        page = await connected.fetch(RowQuery(binding=billing.CLIENT, where=(where,)))
        assert [first] == [again] == list(page.rows)

    async def test_a_key_for_another_record_is_refused(self, connected: Writes) -> None:
        """One key, two different records: the second is not created."""
        await connected.create(billing.CLIENT, {"crm_account": "ACC-1"}, idempotency_key="once-2")
        with pytest.raises(Rejected, match="another call"):
            await connected.create(
                billing.CLIENT, {"crm_account": "ACC-2"}, idempotency_key="once-2"
            )


@pytest.mark.parametrize("suite", [TestCrm, TestPsa, TestHr])
async def test_a_comma_is_refused_where_it_would_separate(
    suite: type[ConnectorConformance],
) -> None:
    """Where a list is spelled with commas, a value with one would match others: it is Invalid."""
    connector = suite.connector(Endpoint(url="http://127.0.0.1:9", key="k"))
    with pytest.raises(Invalid, match="comma"):
        await connector.fetch(RowQuery(binding=suite.creates, where=(COMMA,)))
    await connector.close()
