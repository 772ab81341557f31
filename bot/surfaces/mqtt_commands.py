"""Commands over MQTT: signed, short-lived, used once. Pure: nothing here knows a broker.

Whoever can publish to the broker is not thereby trusted: a command carries an HMAC-SHA256 of itself under a key only
the operator and the bot know. It names its instance, says when it was issued and when it ends, and has a nonce, so that
neither a copy of it nor one kept by the broker does anything later.
"""

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

LONGEST_LIFE = timedelta(minutes=5)
CLOCK_SLACK = timedelta(seconds=30)
"""How far the sender's clock may be ahead of ours."""
MOST_BYTES = 4096
COMMANDS = ("halt",)
"""What may be asked for from afar: only what makes the bot do less."""

_FIELDS = ("command", "instance", "by", "reason", "issued", "expires", "nonce")


class Unacceptable(Exception):
    """Why a message is not obeyed. ``nonce``: the one it carried, empty where it could not be read."""

    nonce = ""


@dataclass(frozen=True, slots=True)
class SignedCommand:
    """What a verified message asks for. Times are aware UTC."""

    command: str
    instance: str
    by: str
    reason: str
    issued: datetime
    expires: datetime
    nonce: str


def signature(key: bytes, fields: dict[str, str]) -> str:
    """Return the hex HMAC-SHA256 of the fields as JSON with sorted keys and no spaces."""
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def sign(key: bytes, command: SignedCommand) -> str:
    """Return the message to publish."""
    fields = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(command).items()
    }
    return json.dumps({**fields, "signature": signature(key, fields)}, ensure_ascii=False)


class Gatekeeper:
    """Lets a command through once. ``started``: nothing issued before it counts, so that a restart forgets nothing.

    Nonces are kept until the command that carried them has ended.
    """

    def __init__(self, key: bytes, instance: str, started: datetime) -> None:
        self._key = key
        self._instance = instance
        self._started = started
        self._used: dict[str, datetime] = {}

    def admit(self, payload: bytes, now: datetime, *, retained: bool = False) -> SignedCommand:
        """Return the command a message carries. Raises Unacceptable."""
        if retained:
            raise Unacceptable("it was kept by the broker: commands are never retained")
        fields = _fields(payload)
        try:
            return self._judged(fields, now)
        except Unacceptable as error:
            error.nonce = fields["nonce"]
            raise

    def _judged(self, fields: dict[str, str], now: datetime) -> SignedCommand:
        given = fields.pop("signature")
        if not hmac.compare_digest(given.encode(), signature(self._key, fields).encode()):
            raise Unacceptable("its signature is not from our key")
        command = _command(fields)
        self._check(command, now)
        self._used = {nonce: end for nonce, end in self._used.items() if end > now}
        if command.nonce in self._used:
            raise Unacceptable("it has been carried out already")
        self._used[command.nonce] = command.expires
        return command

    def _check(self, command: SignedCommand, now: datetime) -> None:
        if command.instance != self._instance:
            raise Unacceptable(f"it is for instance {command.instance!r}, this is {self._instance!r}")
        if command.command not in COMMANDS:
            raise Unacceptable(f"{command.command!r} cannot be asked for here, only {', '.join(COMMANDS)}")
        if not timedelta(0) < command.expires - command.issued <= LONGEST_LIFE:
            raise Unacceptable(f"it must end within {LONGEST_LIFE} of being issued")
        if command.issued > now + CLOCK_SLACK:
            raise Unacceptable(f"it was issued at {command.issued.isoformat()}, which has not come yet")
        if now >= command.expires:
            raise Unacceptable(f"it ended at {command.expires.isoformat()}")
        if command.issued < self._started:
            raise Unacceptable("it was issued before this bot was started")


def _fields(payload: bytes) -> dict[str, str]:
    if len(payload) > MOST_BYTES:
        raise Unacceptable(f"it is longer than {MOST_BYTES} bytes")
    try:
        told: Any = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise Unacceptable("it is no JSON") from error
    if not isinstance(told, dict) or set(told) != {*_FIELDS, "signature"}:
        raise Unacceptable(f"it must have just these fields: {', '.join(_FIELDS)}, signature")
    if not all(isinstance(value, str) and value.isprintable() for value in told.values()):
        raise Unacceptable("each field must be one line of text")
    return told


def _command(fields: dict[str, str]) -> SignedCommand:
    times = {}
    for name in ("issued", "expires"):
        try:
            times[name] = datetime.fromisoformat(fields[name])
        except ValueError as error:
            raise Unacceptable(f"{name} is no time as ISO 8601 has it") from error
        if times[name].tzinfo is None:
            raise Unacceptable(f"{name} must say its zone (UTC: +00:00)")
    for name, most in (("by", 80), ("reason", 200), ("nonce", 64)):
        if not 1 <= len(fields[name]) <= most:
            raise Unacceptable(f"{name} must have 1 to {most} characters")
    rest = {name: fields[name] for name in _FIELDS if name not in times}
    return SignedCommand(**rest, issued=times["issued"], expires=times["expires"])
