"""Contracts and quotes."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from adapters.errors import Misconfigured
from adapters.venue import HoursAnnounced, LinkState
from risk.instruments import InstrumentId
from risk.money import Currency
from risk.portfolio import Level
from risk.sessions import Session
from risk.terms import Kind
from tests.conformance.play import on_every_venue
from tests.conformance.stage import QUIET, Stage
from tests.conformance.stages import AS_BITMEX, CANDIDATES


def test_the_suite_covers_both_kinds_twice() -> None:
    kinds = [one.capabilities == AS_BITMEX for one in CANDIDATES.values()]
    assert sorted(kinds) == [False, False, True, True]


@on_every_venue()
async def test_capabilities_are_as_declared(stage: Stage) -> None:
    declared = [one.capabilities for one in CANDIDATES.values() if one.spec.symbol == stage.listed]
    assert stage.venue.capabilities in declared


@on_every_venue()
async def test_terms_come_from_the_venue(stage: Stage) -> None:
    instrument = stage.venue.instrument(stage.symbol)
    spec = stage.exchange.spec(stage.listed)
    assert instrument.id == InstrumentId(stage.venue.name, stage.symbol)
    terms = instrument.terms
    assert (terms.lot, terms.tick) == (spec.lot, Decimal(spec.tick) / 100)
    if spec.is_inverse:
        assert (terms.kind, terms.multiplier, terms.rounding_unit) == (Kind.INVERSE, Decimal(1), 100)
        assert (terms.maker_fee, terms.taker_fee) == (Decimal("0.0005"), Decimal("0.0005"))
        assert terms.settlement is Currency.XBT
        assert terms.expiry is None
    else:
        assert (terms.kind, terms.multiplier) == (Kind.LINEAR, Decimal("0.1"))
        assert terms.settlement is Currency.USD
        assert terms.expiry == spec.expiry


@on_every_venue()
async def test_a_contract_not_asked_for_is_not_there(stage: Stage) -> None:
    with pytest.raises(Misconfigured):
        stage.venue.instrument("NOSUCH")


@on_every_venue()
async def test_connecting_tells_the_link_and_the_first_quote(stage: Stage) -> None:
    assert stage.heard.links == [LinkState.UP]
    await stage.until(lambda: stage.heard.quotes)
    quote = stage.heard.quotes[-1]
    assert quote.instrument == stage.venue.instrument(stage.symbol).id
    assert quote.bid is not None
    assert quote.ask is not None
    assert (quote.bid.price, quote.ask.price) == (stage.price(-1), stage.price(0))


@on_every_venue()
async def test_connecting_tells_when_the_contract_trades(stage: Stage) -> None:
    told = [event for event in stage.heard.events if isinstance(event, HoursAnnounced)]
    assert [event.instrument for event in told] == [stage.venue.instrument(stage.symbol).id]
    hours, now = told[0].hours, stage.clock.now()
    assert hours.trouble == ""
    assert hours.session(now) is Session.OPEN
    assert hours.trades_for(now, timedelta(days=1))


@on_every_venue()
async def test_quotes_follow_the_market_and_carry_our_own_time(stage: Stage) -> None:
    before = stage.clock.now()
    stage.market([(5, 3)], [(7, 4)])
    expected = (Level(stage.price(5), 3 * stage.lot), Level(stage.price(7), 4 * stage.lot))
    await stage.until(lambda: (stage.heard.quotes[-1].bid, stage.heard.quotes[-1].ask) == expected)
    assert before <= stage.heard.quotes[-1].at <= stage.clock.now()


@on_every_venue(needs=lambda venue: venue.capabilities.confirms_quotes)
async def test_a_book_that_stands_still_is_confirmed_while_the_link_lives(stage: Stage) -> None:
    await stage.until(lambda: stage.heard.quotes)
    first = stage.heard.quotes[-1]
    await stage.until(lambda: stage.heard.quotes[-1].at > first.at)
    assert (stage.heard.quotes[-1].bids, stage.heard.quotes[-1].asks) == (first.bids, first.asks)
    await stage.cut()
    await stage.until(lambda: stage.heard.links[-1] is LinkState.DOWN)
    told = len(stage.heard.quotes)
    await asyncio.sleep(2 * QUIET)
    assert len(stage.heard.quotes) == told


@on_every_venue(needs=lambda venue: not venue.capabilities.confirms_quotes)
async def test_a_book_that_stands_still_grows_old_where_nobody_confirms_it(stage: Stage) -> None:
    await stage.until(lambda: stage.heard.quotes)
    await asyncio.sleep(QUIET)
    first = stage.heard.quotes[-1].at
    await asyncio.sleep(2 * QUIET)
    assert stage.heard.quotes[-1].at == first


@on_every_venue()
async def test_nothing_is_told_after_close(stage: Stage) -> None:
    await stage.venue.close()
    told = len(stage.heard.events)
    stage.market([(5, 3)], [(7, 4)])
    await asyncio.sleep(0.1)
    assert len(stage.heard.events) == told
    await stage.venue.close()
