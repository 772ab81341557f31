"""Events as canonical JSON, and back: the same event always gives the same bytes, so that a hash can hold them."""

import hashlib
from datetime import datetime
from typing import get_args

from pydantic import TypeAdapter, ValidationError

from bot.model.events import Event, Recorded

GENESIS = "0" * 64
KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}


class UndecodableEvent(Exception):
    """A stored event cannot be read: unknown kind, or a payload that does not fit it."""


_ADAPTERS: dict[str, TypeAdapter[Event]] = {}


def _adapter(kind: str) -> TypeAdapter[Event]:
    # Built on first use: all of them at once would cost every start what few commands need.
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(KINDS[kind])
    return _ADAPTERS[kind]


def encode(event: Event) -> str:
    """Return the event's payload: fields in declaration order, Decimals as text, times in ISO 8601."""
    return _adapter(type(event).__name__).dump_json(event).decode()


def decode(kind: str, payload: str) -> Event:
    """Return the event. Raises UndecodableEvent."""
    if kind not in KINDS:
        raise UndecodableEvent(f"unknown kind of event {kind!r}")
    try:
        return _adapter(kind).validate_json(payload)
    except ValidationError as error:
        raise UndecodableEvent(f"{kind}: {error.errors()[0]['msg']}") from error


def chain_hash(previous: str, seq: int, at: datetime, kind: str, payload: str) -> str:
    """Return SHA-256 over the previous hash and everything stored of the event."""
    return hashlib.sha256(f"{previous}\n{seq}\n{at.isoformat()}\n{kind}\n{payload}".encode()).hexdigest()


def record(previous: str, seq: int, at: datetime, event: Event) -> tuple[Recorded, str]:
    """Put an event into its place in the chain. Returns it with its payload."""
    payload = encode(event)
    return Recorded(seq, at, event, chain_hash(previous, seq, at, type(event).__name__, payload)), payload
