"""A command from afar counts with our signature, in its time, for this instance, and once."""

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.surfaces.mqtt_commands import Gatekeeper, SignedCommand, Unacceptable, sign

KEY = b"0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
HALT = SignedCommand("halt", "sim", "anna", "news", NOW, NOW + timedelta(minutes=2), "n-1")


def gate() -> Gatekeeper:
    return Gatekeeper(KEY, "sim", NOW - timedelta(hours=1))


def refused(message: str | bytes, *, now: datetime = NOW, by: Gatekeeper | None = None) -> str:
    payload = message.encode() if isinstance(message, str) else message
    with pytest.raises(Unacceptable) as caught:
        (by or gate()).admit(payload, now)
    return str(caught.value)


def test_a_signed_command_is_let_through() -> None:
    assert gate().admit(sign(KEY, HALT).encode(), NOW + timedelta(seconds=3)) == HALT


def test_the_signature_is_over_sorted_compact_json() -> None:
    # Written out by hand: whoever signs elsewhere needs nothing of ours.
    text = (
        '{"by":"anna","command":"halt","expires":"2026-11-23T10:02:00+00:00","instance":"sim",'
        '"issued":"2026-11-23T10:00:00+00:00","nonce":"n-1","reason":"news"}'
    )
    expected = hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest()
    assert json.loads(sign(KEY, HALT))["signature"] == expected


def test_twice_is_once_even_when_the_first_is_long_gone() -> None:
    keeper, message = gate(), sign(KEY, HALT).encode()
    keeper.admit(message, NOW)
    assert "already" in refused(message, by=keeper)
    assert "it ended" in refused(message, now=NOW + timedelta(minutes=3), by=keeper)


def test_a_restart_forgets_no_nonce() -> None:
    restarted = Gatekeeper(KEY, "sim", NOW + timedelta(seconds=1))
    assert "before this bot was started" in refused(
        sign(KEY, HALT), now=NOW + timedelta(seconds=2), by=restarted
    )


@pytest.mark.parametrize("name", ["command", "instance", "by", "reason", "issued", "expires", "nonce"])
def test_whatever_is_altered_breaks_the_signature(name: str) -> None:
    message = json.loads(sign(KEY, HALT))
    message[name] = message[name] + "x"
    assert "signature" in refused(json.dumps(message))


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (replace(HALT, instance="live"), "for instance 'live'"),
        (replace(HALT, command="enable"), "only halt"),
        (replace(HALT, expires=NOW + timedelta(minutes=6)), "within 0:05:00"),
        (replace(HALT, expires=NOW - timedelta(seconds=1)), "within 0:05:00"),
        (replace(HALT, issued=NOW - timedelta(minutes=2), expires=NOW), "it ended"),
        (
            replace(HALT, issued=NOW + timedelta(minutes=1), expires=NOW + timedelta(minutes=2)),
            "has not come yet",
        ),
        (replace(HALT, nonce=""), "nonce must have"),
        (replace(HALT, reason="x" * 201), "reason must have"),
    ],
)
def test_a_true_signature_is_not_enough(command: SignedCommand, said: str) -> None:
    assert said in refused(sign(KEY, command))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"halt",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"[" * 3000,
        b"x" * 5000,
        json.dumps({**json.loads(sign(KEY, HALT)), "reason": 7}).encode(),
        json.dumps({**json.loads(sign(KEY, HALT)), "reason": "two\nlines"}).encode(),
        json.dumps({**json.loads(sign(KEY, HALT)), "more": "x"}).encode(),
    ],
)
def test_rubbish_is_refused_in_words(payload: bytes) -> None:
    assert refused(payload)


def test_another_key_and_a_kept_message() -> None:
    assert "not from our key" in refused(sign(b"another key of sufficient size", HALT))
    with pytest.raises(Unacceptable, match="kept by the broker"):
        gate().admit(sign(KEY, HALT).encode(), NOW, retained=True)
