"""Every kind of event survives its journey into text and back, and always as the same text."""

from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.model.codec import GENESIS, KINDS, decode, encode, record
from bot.model.describe import describe
from bot.model.events import Event
from bot.model.exits import Exit
from bot.model.ids import LegKey, Role
from bot.model.ladders import BasisRange, Rung
from bot.model.legging import Legging, Style
from bot.model.plans import ApprovalMode, PlanKind, PlanSpec
from risk.approval import Envelope, Purpose
from risk.direction import Direction
from risk.instruments import Instrument, InstrumentId
from risk.money import Currency, Money
from risk.orders import OrderRequest, TimeInForce
from risk.standing import Scope, StandingApproval, Use
from risk.terms import Kind
from tests.property.strategies import instruments, sides

decimals = st.decimals(-(10**9), 10**9, allow_nan=False, allow_infinity=False, places=8)
prices = st.decimals(Decimal("0.01"), 10**6, allow_nan=False, allow_infinity=False, places=2)
times = st.integers(0, 10**15).map(lambda us: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(microseconds=us))
names = st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=1, max_size=12)
instrument_ids = st.builds(InstrumentId, names, names)


@st.composite
def plans(draw: st.DrawFn) -> PlanSpec:
    symbols = draw(st.lists(names, min_size=2, max_size=2, unique=True))
    ladder = tuple(draw(st.lists(rungs(), max_size=3)))
    # A ladder fixes size and limits of its plan.
    size = sum((rung.xbt for rung in ladder), Decimal(0)) if ladder else draw(prices)
    limits = st.none() if ladder else st.none() | decimals
    return PlanSpec(
        plan_id=draw(names),
        kind=PlanKind.OPEN,
        direction=draw(st.sampled_from(Direction)),
        inverse=InstrumentId("bitmex", symbols[0]),
        linear=InstrumentId("cme", symbols[1]),
        size_xbt=size,
        tranches=len(ladder) or draw(st.integers(1, 90)),
        collateral=draw(st.booleans()),
        proposed_by=draw(st.text()),
        min_basis=draw(limits),
        max_basis=draw(limits),
        target_delta=draw(decimals),
        legging=draw(leggings()),
        approval=draw(st.sampled_from(ApprovalMode)),
        ladder=ladder,
        pause=draw(st.floats(0, 1e5)),
        exit=draw(st.none() | exits()),
    )


@st.composite
def rungs(draw: st.DrawFn) -> Rung:
    least = draw(st.none() | decimals)
    most = draw(st.none() | decimals.map(lambda more: (least or Decimal(0)) + abs(more)))
    return Rung(draw(prices), BasisRange(least, most))


@st.composite
def exits(draw: st.DrawFn) -> Exit:
    return Exit(
        stop=draw(st.none() | decimals),
        trail=draw(prices),
        inversion=draw(st.booleans()),
        tranches=draw(st.integers(1, 90)),
        collateral=draw(st.booleans()),
    )


@st.composite
def leggings(draw: st.DrawFn) -> Legging:
    return Legging(
        draw(st.sampled_from(Kind)),
        draw(st.sampled_from(Style)),
        draw(st.none() | st.integers(0, 1000)),
        draw(st.integers(1, 120)),
        draw(prices),
        draw(prices),
    )


@st.composite
def envelopes(draw: st.DrawFn) -> Envelope:
    low, least = draw(prices), draw(decimals)
    return Envelope(
        approval_id=draw(names),
        instrument=draw(instrument_ids),
        side=draw(sides),
        reduce_only=draw(st.booleans()),
        quantity=draw(prices),
        price_low=low,
        price_high=low + draw(prices),
        execute_by=draw(times),
        approved_by=draw(st.text()),
        approved_at=draw(times),
        purposes=tuple(draw(st.lists(st.sampled_from(Purpose), max_size=3))),
        min_basis=draw(st.sampled_from([None, least])),
        max_basis=draw(st.sampled_from([None, least + 1])),
    )


@st.composite
def standings(draw: st.DrawFn) -> StandingApproval:
    scopes = st.builds(Scope, st.sampled_from(Use), instrument_ids, sides, st.booleans())
    low, daily, least = draw(prices), draw(prices), draw(decimals)
    return StandingApproval(
        standing_id=draw(names),
        scopes=tuple(draw(st.lists(scopes, min_size=1, max_size=3))),
        daily_xbt=daily,
        total_xbt=daily + draw(prices),
        max_delta_xbt=draw(prices),
        price_low=low,
        price_high=low + draw(prices),
        ends_at=draw(times),
        by=draw(st.text()),
        min_basis=draw(st.sampled_from([None, least])),
        max_basis=draw(st.sampled_from([None, least + 1])),
        max_ticket_xbt=draw(st.none() | prices),
    )


@st.composite
def requests(draw: st.DrawFn) -> OrderRequest:
    kind = draw(st.sampled_from(TimeInForce))
    return OrderRequest(
        client_order_id=draw(st.text(min_size=1, max_size=36)),
        instrument=draw(instrument_ids),
        side=draw(sides),
        quantity=draw(st.integers(1, 10**7)),
        price=draw(prices),
        time_in_force=kind,
        reduce_only=draw(st.booleans()),
        post_only=kind is not TimeInForce.IOC and draw(st.booleans()),
        expires_at=draw(times) if kind is TimeInForce.GTD else None,
    )


CHECKED: dict[Any, st.SearchStrategy[Any]] = {
    PlanSpec: plans(),
    Exit: exits(),
    Envelope: envelopes(),
    StandingApproval: standings(),
    OrderRequest: requests(),
    Instrument: instruments,
    InstrumentId: instrument_ids,
    LegKey: st.builds(LegKey, names, st.integers(1, 99), st.sampled_from(Role)),
    Money: st.builds(Money, st.sampled_from(Currency), st.integers(-(10**15), 10**15)),
    Decimal: decimals,
    datetime: times,
    str: st.text(),
    bool: st.booleans(),
    int: st.integers(1, 10**9),
    float: st.floats(0, 1e6),
    NoneType: st.none(),
}

# What is narrower than its annotation: a price, and numbers written as text.
NARROW: dict[str, st.SearchStrategy[Any]] = {
    "Fill.price": prices,
    "HedgeEscalated.unhedged_xbt": decimals.map(str),
    "TrancheFinished.carried_xbt": decimals.map(str),
}


def of(kind: Any) -> st.SearchStrategy[Any]:
    """Values of an annotated type: everything an event can hold is one of these."""
    if kind in CHECKED:
        return CHECKED[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    if isinstance(kind, type) and is_dataclass(kind):
        return made(kind)
    if get_origin(kind) in (Union, UnionType):
        return st.one_of(*(of(each) for each in get_args(kind)))
    if get_origin(kind) is tuple:
        return st.lists(of(get_args(kind)[0]), max_size=3).map(tuple)
    raise TypeError(f"no values of {kind} are made here")


def made(kind: type[Any]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    parts = {
        field.name: NARROW.get(f"{kind.__name__}.{field.name}", of(hints[field.name]))
        for field in fields(kind)
    }
    return st.builds(kind, **parts)


@pytest.mark.parametrize("name", sorted(KINDS))
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_there_and_back(name: str, data: st.DataObject) -> None:
    event: Event = data.draw(made(KINDS[name]))
    payload = encode(event)
    back = decode(name, payload)
    assert back == event
    assert type(back) is type(event)
    assert encode(back) == payload
    assert isinstance(describe(event), str)


@given(st.lists(made(KINDS["PlanStopping"]), min_size=2, max_size=5), times)
@settings(deadline=None, max_examples=40)
def test_a_link_of_the_chain_holds_everything_before_it(events: list[Event], at: datetime) -> None:
    def heads(chain: list[Event], start: datetime) -> list[str]:
        head, found = GENESIS, []
        for seq, event in enumerate(chain, start=1):
            recorded, _ = record(head, seq, start, event)
            head = recorded.hash
            found.append(head)
        return found

    assert heads(events, at) == heads(events, at)
    assert len(set(heads(events, at))) == len(events)
    assert set(heads(events, at)).isdisjoint(heads(events, at + timedelta(microseconds=1)))
