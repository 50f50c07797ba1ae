"""Whose call it is: what is signed, by what, and how long ago; and nothing is told of why not."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest

from cdc.webhook.forms import FORMS, STANDARD, STRIPE, Form
from cdc.webhook.signature import Sender, Stale, Unsigned, secrets_of, sign, signed_at
from schema.errors import Invalid

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
OLD, NEW = b"the secret of last year, long enough", b"the secret of this year, long enough"
BODY = b'{"id":"evt_1","type":"invoice.updated","data":{"id":"in_1"}}'


def call(form: Form, secret: bytes, *, at: datetime = NOW, body: bytes = BODY) -> dict[str, str]:
    """The headers of a call as a sender of this form would make them."""
    timestamp = str(int(at.timestamp()))
    headers = {form.identity: "evt_1"} if form.identity else {}
    signature = sign(form, secret, headers, timestamp, body)
    told = f"{form.scheme}{form.assigns}{signature}"
    if form.timestamp:
        return {**headers, form.timestamp: timestamp, form.signature: told}
    return {**headers, form.signature: f"t={timestamp},{told}"}


def test_the_published_example_of_standard_webhooks_holds() -> None:
    """The vector of its specification, so that we do not only agree with ourselves."""
    [secret] = secrets_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    at = datetime.fromtimestamp(1614265330, UTC)
    sender = Sender(form=STANDARD, secrets=(secret,))
    assert signed_at(sender, headers, b'{"test": 2432232314}', at) == at


@pytest.mark.parametrize("name", FORMS)
def test_either_secret_holds_while_they_are_changed(name: str) -> None:
    form = FORMS[name]
    sender = Sender(form=form, secrets=(NEW, OLD))
    for secret in (OLD, NEW):
        assert signed_at(sender, call(form, secret), BODY, NOW) == NOW
    with pytest.raises(Unsigned):
        signed_at(Sender(form=form, secrets=(NEW,)), call(form, OLD), BODY, NOW)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_sender_that_changes_its_secret_signs_twice(form: Form) -> None:
    headers, other = call(form, OLD), call(form, NEW)
    mine = other[form.signature].rpartition(f"{form.scheme}{form.assigns}")[2]
    headers[form.signature] += f"{form.between}{form.scheme}{form.assigns}{mine}"
    assert signed_at(Sender(form=form, secrets=(NEW,)), headers, BODY, NOW) == NOW


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_nothing_that_is_signed_can_be_changed(form: Form) -> None:
    sender, good = Sender(form=form, secrets=(NEW,)), call(form, NEW)
    with pytest.raises(Unsigned):
        signed_at(sender, good, BODY + b" ", NOW)
    for name in good:
        with pytest.raises(Unsigned):
            signed_at(sender, {**good, name: good[name] + "1"}, BODY, NOW)
        with pytest.raises(Unsigned):
            signed_at(sender, {k: v for k, v in good.items() if k != name}, BODY, NOW)


@pytest.mark.parametrize(
    "signature",
    [
        *("", "v1", "v1,", ",", "v2,{good}", "{good}", "v1,{good}=", "v1, {good}", "v1,é"),
        " ".join(["v1,x"] * 8 + ["v1,{good}"]),
    ],
)
def test_what_is_no_signature_is_refused(signature: str) -> None:
    headers = call(STANDARD, NEW)
    good = headers["webhook-signature"].removeprefix("v1,")
    headers["webhook-signature"] = signature.replace("{good}", good)
    with pytest.raises(Unsigned):
        signed_at(Sender(form=STANDARD, secrets=(NEW,)), headers, BODY, NOW)


@pytest.mark.parametrize("timestamp", ["", "-1", "1.5", "١٢٣", "9" * 400, "NaN", " 1"])
def test_what_is_no_time_is_refused(timestamp: str) -> None:
    headers = {**call(STANDARD, NEW), "webhook-timestamp": timestamp}
    with pytest.raises(Unsigned):
        signed_at(Sender(form=STANDARD, secrets=(NEW,)), headers, BODY, NOW)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("seconds", [-301, 301])
def test_an_old_call_is_a_replay(form: Form, seconds: int) -> None:
    sender, at = Sender(form=form, secrets=(NEW,)), NOW + timedelta(seconds=seconds)
    with pytest.raises(Stale):
        signed_at(sender, call(form, NEW, at=at), BODY, NOW)
    inside = NOW + timedelta(seconds=300 if seconds > 0 else -300)
    assert signed_at(sender, call(form, NEW, at=inside), BODY, NOW) == inside


def test_without_a_secret_nobody_is_known() -> None:
    with pytest.raises(Unsigned):
        signed_at(Sender(form=STRIPE, secrets=()), call(STRIPE, b""), BODY, NOW)


def test_secrets_are_long_and_told_apart_by_commas() -> None:
    encoded = f"whsec_{base64.b64encode(NEW).decode()}"
    assert secrets_of(f"{OLD.decode().replace(',', '')}, {encoded}")[1] == NEW
    assert secrets_of("") == ()
    for bad in ("short", "whsec_!!!", f"{encoded},short"):
        with pytest.raises(Invalid) as refused:
            secrets_of(bad)
        assert bad not in refused.value.message
