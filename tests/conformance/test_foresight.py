"""What a venue tells beforehand: its clock, its next funding, the margin an order would need, its rate limit."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from adapters.venue import ClockSeen, FundingAnnounced
from risk.orders import OrderRequest, Side
from tests.conformance.play import on_every_venue
from tests.conformance.stage import Stage

CENT = 1_000_000
"""In units of 1e-8 USD."""


@on_every_venue()
async def test_the_venues_clock_is_told_and_is_ours(stage: Stage) -> None:
    """Every process here has the same clock: what is told must hold zero, and not be vaguer than two seconds."""
    await stage.until(lambda: [event for event in stage.heard.events if isinstance(event, ClockSeen)])
    seen = next(event for event in stage.heard.events if isinstance(event, ClockSeen))
    assert seen.venue == stage.venue.name
    assert seen.skew.least <= timedelta(0) <= seen.skew.most
    assert seen.skew.certain == timedelta(0)


@on_every_venue(lambda one: one.capabilities.cash_flows)
async def test_the_next_funding_is_told(stage: Stage) -> None:
    await stage.until(lambda: [event for event in stage.heard.events if isinstance(event, FundingAnnounced)])
    told = next(event for event in stage.heard.events if isinstance(event, FundingAnnounced))
    assert told.instrument == stage.venue.instrument(stage.symbol).id
    assert told.funding.rate == Decimal("0.0001")
    assert timedelta(0) <= told.funding.at - stage.began <= timedelta(seconds=10)


@on_every_venue()
async def test_what_is_left_of_the_rate_limit_is_a_fraction(stage: Stage) -> None:
    left = stage.venue.rate_left
    assert left is None or 0 < left <= 1
    assert stage.venue.order_wait == 0


def _order(stage: Stage, side: Side, lots: int) -> OrderRequest:
    instrument = stage.venue.instrument(stage.symbol).id
    return OrderRequest("question", instrument, side, lots * stage.lot, stage.price(0))


@on_every_venue(lambda one: not one.capabilities.what_if)
async def test_a_venue_without_the_capability_says_nothing_of_margin(stage: Stage) -> None:
    assert await stage.venue.what_if(_order(stage, Side.BUY, 2)) is None


@on_every_venue(lambda one: one.capabilities.what_if)
async def test_the_margin_told_beforehand_is_the_margin_afterwards(stage: Stage) -> None:
    before = await stage.venue.account()
    told = await stage.venue.what_if(_order(stage, Side.BUY, 2))
    assert told is not None
    assert stage.orders == []
    assert await stage.venue.open_orders() == []
    fee = 2 * stage.exchange.spec(stage.listed).commission
    assert told.initial_before == before.initial_margin
    assert told.commission is not None
    assert told.commission.units == fee
    assert told.equity_before.units - told.equity_after.units == fee
    await stage.submit("real", Side.BUY, 2, 0)
    await stage.finished("real")
    afterwards = before
    while afterwards.initial_margin == before.initial_margin:
        afterwards = await stage.venue.account()  # the broker's figures come late
    assert abs(afterwards.initial_margin.units - told.initial_after.units) < CENT
    assert abs(afterwards.maintenance_margin.units - told.maintenance_after.units) < CENT


@on_every_venue(lambda one: one.capabilities.what_if)
async def test_what_would_reduce_needs_less(stage: Stage) -> None:
    await stage.submit("in", Side.BUY, 4, 0)
    await stage.finished("in")
    told = await stage.venue.what_if(replace(_order(stage, Side.SELL, 3), price=stage.price(-1)))
    assert told is not None
    assert told.initial_after.units < told.initial_before.units
    assert stage.venue.instrument(stage.symbol).terms.lot == 1
