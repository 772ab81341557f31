"""The journal's entries, each with what it refers to: the plan, the order, the execution behind the money."""

from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from typing import Any

from bot.ledger.balances import Books
from bot.ledger.journal import Posting
from bot.model.events import Recorded
from bot.model.ids import LegKey, parse_client_order_id
from risk.instruments import Instrument, InstrumentId


@dataclass(frozen=True, slots=True)
class References:
    """What an event names, as far as it does. ``plan_id`` and ``leg`` are read from the order's id.

    ``at``: the venue's time of what happened; the event itself was recorded later.
    """

    venue: str | None = None
    instrument: InstrumentId | None = None
    plan_id: str | None = None
    leg: LegKey | None = None
    client_order_id: str | None = None
    venue_order_id: str | None = None
    execution_id: str | None = None
    flow_id: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """``postings`` sum to zero in each currency."""

    recorded: Recorded
    postings: tuple[Posting, ...]
    references: References


class EntryReader:
    """Turns events into entries. Feed it every event once, in the chain's order.

    Nothing here knows one kind of event from another: what a new kind posts, and what it names by the usual
    names, is found.
    """

    def __init__(self) -> None:
        self.books = Books()
        self._orders: dict[tuple[str | None, str], References] = {}

    def read(self, recorded: Recorded) -> Entry | None:
        """Take one event; return its entry, None if it posts nothing. Raises Unbookable."""
        postings = tuple(self.books.see(recorded))
        if not postings:
            return None
        return Entry(recorded, postings, self._references(recorded))

    def _references(self, recorded: Recorded) -> References:
        named: dict[str, Any] = {}
        _collect(recorded.event, named)
        instrument = named.get("instrument")
        if isinstance(instrument, Instrument):
            instrument = instrument.id
        if instrument is not None:
            named["venue"] = instrument.venue
        found = References(**(named | {"instrument": instrument}))
        if found.execution_id is not None:
            # A commission or a correction names the execution only: the order is the first telling's.
            key = (found.venue, found.execution_id)
            if found.client_order_id is None and key in self._orders:
                known = self._orders[key]
                found = replace(
                    found,
                    client_order_id=known.client_order_id,
                    venue_order_id=found.venue_order_id or known.venue_order_id,
                )
            self._orders.setdefault(key, found)
        parsed = parse_client_order_id(found.client_order_id or "")
        leg = found.leg if parsed is None else parsed[0]
        return found if leg is None else replace(found, leg=leg, plan_id=leg.plan_id)


_NAMES = frozenset(field.name for field in fields(References))


def _collect(value: Any, named: dict[str, Any]) -> None:
    """Find the fields that ``References`` knows, outermost first."""
    inner = [(name, getattr(value, name)) for name in _field_names(type(value))]
    for name, content in inner:
        if name in _NAMES and content is not None:
            named.setdefault(name, content)
    for _, content in inner:
        _collect(content, named)


def _field_names(kind: type[Any]) -> tuple[str, ...]:
    if kind not in _KNOWN:
        _KNOWN[kind] = tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()
    return _KNOWN[kind]


_KNOWN: dict[type[Any], tuple[str, ...]] = {}
