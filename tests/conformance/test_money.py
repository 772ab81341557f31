"""Fills, fees, positions, accounts, cash."""

import asyncio
from datetime import timedelta
from decimal import Decimal

from adapters.simulator.exchange.orders import ExecKind, Execution
from risk.instruments import InstrumentId
from risk.money import UNITS_PER_COIN, Currency, Money
from risk.orders import CashFlowKind, Fill, Side
from risk.portfolio import Account
from tests.conformance.play import on_every_venue
from tests.conformance.stage import QUIET, Stage
from tests.conformance.stages import XBT

CENT = 1_000_000
"""In units of 1e-8 USD."""


def facts(fill: Fill) -> tuple[str, str | None, Side, int, Decimal]:
    return fill.execution_id, fill.client_order_id, fill.side, fill.quantity, fill.price


@on_every_venue()
async def test_every_fill_is_told_once_and_they_add_up(stage: Stage) -> None:
    stage.market([(-1, 100)], [(0, 2), (1, 3), (2, 4)])
    update = await stage.submit("walk", Side.BUY, 7, 2)
    await stage.finished("walk")
    told = await stage.fills_told()
    assert [(fill.quantity, fill.price) for fill in told] == [
        (2 * stage.lot, stage.price(0)),
        (3 * stage.lot, stage.price(1)),
        (2 * stage.lot, stage.price(2)),
    ]
    assert len({fill.execution_id for fill in told}) == 3
    assert {fill.client_order_id for fill in told} == {"walk"}
    assert {fill.venue_order_id for fill in told} == {update.venue_order_id}
    assert {fill.side for fill in told} == {Side.BUY}
    assert all(stage.began <= fill.at <= stage.clock.now() for fill in told)


@on_every_venue()
async def test_fills_asked_for_are_those_that_were_streamed(stage: Stage) -> None:
    stage.market([(-1, 2), (-2, 9)], [(0, 2), (1, 3)])
    await stage.submit("in", Side.BUY, 4, 1)
    await stage.submit("out", Side.SELL, 3, -2)
    await stage.finished("out")
    told = await stage.fills_told()
    asked = await stage.venue.fills(stage.began)
    assert [facts(fill) for fill in asked] == [facts(fill) for fill in told]
    assert [fill.at for fill in asked] == sorted(fill.at for fill in asked)
    assert await stage.venue.fills(stage.clock.now() + timedelta(hours=1)) == []


@on_every_venue()
async def test_every_fill_gets_its_fee(stage: Stage) -> None:
    stage.market([(-1, 100)], [(0, 2), (1, 3)])
    await stage.submit("walk", Side.BUY, 5, 1)
    told = await stage.fills_told()
    spec = stage.exchange.spec(stage.listed)
    currency = Currency.XBT if spec.is_inverse else Currency.USD
    if stage.venue.capabilities.fee_with_fill:
        fees = [fill.fee for fill in told]
        assert await stage.venue.commissions(stage.began) == []
        assert stage.heard.reports == []
    else:
        assert [fill.fee for fill in told] == [None, None]
        await stage.until(lambda: len(stage.heard.reports) == 2)
        by_id = {report.execution_id: report.fee for report in stage.heard.reports}
        fees = [by_id[fill.execution_id] for fill in told]
        asked = await stage.venue.commissions(stage.began)
        assert {report.execution_id: report.fee for report in asked} == by_id
    assert fees == [Money(currency, trade.fee) for trade in stage.trades]
    assert all(fee is not None and fee.units > 0 for fee in fees)


@on_every_venue()
async def test_a_position_is_what_the_exchange_says(stage: Stage) -> None:
    assert await stage.venue.positions() == []
    stage.market([(-1, 2), (-2, 9)], [(0, 2), (1, 3)])
    await stage.submit("in", Side.SELL, 5, -2)
    await stage.finished("in")
    (position,) = await stage.venue.positions()
    truth = stage.exchange.position(stage.account, stage.listed)
    assert position.instrument == stage.venue.instrument(stage.symbol).id
    assert position.contracts == truth.contracts == -5 * stage.lot
    assert position.cost_units in (None, truth.cost)
    assert position.entry is not None
    assert truth.entry is not None
    # Who states no cost may count fees into the average price, as the broker does.
    paid = sum(trade.fee for trade in stage.trades) if position.cost_units is None else 0
    xbt = abs(stage.venue.instrument(stage.symbol).xbt(position.contracts, truth.entry))
    assert abs(position.entry - truth.entry) <= Decimal(paid) / UNITS_PER_COIN / xbt + Decimal("0.01")


@on_every_venue()
async def test_the_account_is_what_the_exchange_says(stage: Stage) -> None:
    await stage.submit("in", Side.BUY, 5, 0)
    await stage.rest("rest", Side.BUY, 2, -20)
    stage.market([(20, 10)], [(21, 10)])
    await stage.submit("out", Side.SELL, 2, 20)
    await stage.finished("out")
    account = await stage.venue.account()
    # To the satoshi; to the cent at the broker, whose margins come rounded to one.
    tolerance = 0 if account.currency is Currency.XBT else CENT // 2
    for _ in range(100):  # the broker's figures are a moment old
        if worst_difference(account, stage) <= tolerance:
            break
        await asyncio.sleep(0.01)
        account = await stage.venue.account()
    assert worst_difference(account, stage) <= tolerance
    assert account.wallet.units == stage.exchange.account(stage.account).wallet
    assert account.venue == stage.venue.name
    assert account.wallet.units != account.equity.units


@on_every_venue(needs=lambda venue: venue.capabilities.cash_flows)
async def test_deposits_and_withdrawals_are_told_as_cash(stage: Stage) -> None:
    """What moved before connecting may be told too; each flow by one identity, whoever tells it."""
    stage.exchange.deposit(stage.account, 25_000_000)
    stage.exchange.deposit(stage.account, -5_000_001)
    expected = {
        (CashFlowKind.DEPOSIT, Money(Currency.XBT, 25_000_000), None),
        (CashFlowKind.WITHDRAWAL, Money(Currency.XBT, -5_000_001), None),
    }
    before = (CashFlowKind.DEPOSIT, Money(Currency.XBT, XBT), None)

    def told() -> dict[str, tuple[CashFlowKind, Money, InstrumentId | None]]:
        facts = {flow.flow_id: (flow.kind, flow.amount, flow.instrument) for flow in stage.heard.flows}
        return {flow_id: fact for flow_id, fact in facts.items() if fact != before}

    await stage.until(lambda: len(told()) >= 2)
    await asyncio.sleep(QUIET)
    assert len(told()) == 2
    assert set(told().values()) == expected
    asked = await stage.venue.cash_flows(stage.began)
    assert told().keys() <= {flow.flow_id for flow in asked}
    assert len({flow.flow_id for flow in asked}) == len(asked)


@on_every_venue(needs=lambda venue: venue.capabilities.cash_flows)
async def test_funding_is_cash_and_no_fill(stage: Stage) -> None:
    stage.exchange.step()
    await stage.submit("in", Side.BUY, 10, 0)
    await stage.fills_told()

    def paid() -> bool:
        stage.exchange.step()
        return bool(stage.heard.flows)

    await stage.until(paid)
    payments = [one for one in _executions(stage) if one.kind is ExecKind.FUNDING]
    flow, payment = stage.heard.flows[0], payments[0]
    assert flow.kind is CashFlowKind.FUNDING
    assert flow.amount == Money(Currency.XBT, -payment.fee)
    assert flow.instrument == stage.venue.instrument(stage.symbol).id
    assert payment.fee > 0
    assert flow.flow_id in {one.flow_id for one in await stage.venue.cash_flows(stage.began)}
    assert len(stage.heard.fills) == len(await stage.venue.fills(stage.began)) == len(stage.trades)


@on_every_venue(needs=lambda venue: not venue.capabilities.cash_flows)
async def test_no_cash_is_told_without_the_capability(stage: Stage) -> None:
    stage.exchange.deposit(stage.account, 5 * 100 * CENT)
    assert await stage.venue.cash_flows(stage.began) == []
    assert stage.heard.flows == []


def worst_difference(account: Account, stage: Stage) -> int:
    """Return by how much any figure is off the exchange's, in units."""
    truth = stage.exchange.account(stage.account)
    assert account.currency == truth.currency
    return max(
        abs(account.wallet.units - truth.wallet),
        abs(account.equity.units - truth.balance),
        abs(account.available.units - truth.available),
        abs(account.initial_margin.units - truth.initial),
        abs(account.maintenance_margin.units - truth.maintenance),
    )


def _executions(stage: Stage) -> list[Execution]:
    return stage.exchange.executions(stage.account)
