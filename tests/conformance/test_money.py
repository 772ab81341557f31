"""Fills, fees, positions, accounts, cash."""

from datetime import timedelta
from decimal import Decimal

from adapters.simulator.exchange.orders import ExecKind, Execution
from risk.money import Currency, Money
from risk.orders import CashFlowKind, Fill, Side
from risk.portfolio import Account
from tests.conformance.play import on_every_venue
from tests.conformance.stage import Stage

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
    assert abs(position.entry - truth.entry) < Decimal("0.01")


@on_every_venue()
async def test_the_account_is_what_the_exchange_says(stage: Stage) -> None:
    await stage.submit("in", Side.BUY, 5, 0)
    await stage.rest("rest", Side.BUY, 2, -20)
    stage.market([(20, 10)], [(21, 10)])
    await stage.submit("out", Side.SELL, 2, 20)
    await stage.finished("out")
    account = await stage.venue.account()
    for _ in range(100):
        if shown(account) == truth_of(stage):
            break
        account = await stage.venue.account()
    assert shown(account) == truth_of(stage)
    assert account.venue == stage.venue.name
    assert account.wallet.units != account.equity.units


@on_every_venue(needs=lambda venue: venue.capabilities.cash_flows)
async def test_deposits_and_withdrawals_are_told_as_cash(stage: Stage) -> None:
    stage.exchange.deposit(stage.account, 25_000_000)
    stage.exchange.deposit(stage.account, -5_000_001)
    await stage.until(lambda: len(stage.heard.flows) == 2)
    flows = stage.heard.flows
    assert [(flow.kind, flow.amount, flow.instrument) for flow in flows] == [
        (CashFlowKind.DEPOSIT, Money(Currency.XBT, 25_000_000), None),
        (CashFlowKind.WITHDRAWAL, Money(Currency.XBT, -5_000_001), None),
    ]
    asked = await stage.venue.cash_flows(stage.began)
    assert [
        (flow.flow_id, flow.amount) for flow in asked if flow.flow_id in {one.flow_id for one in flows}
    ] == [(flow.flow_id, flow.amount) for flow in flows]


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


def shown(account: Account) -> tuple[Currency, int, int, int, int, int]:
    return (
        account.currency,
        account.wallet.units,
        account.equity.units,
        account.available.units,
        account.initial_margin.units,
        account.maintenance_margin.units,
    )


def truth_of(stage: Stage) -> tuple[Currency, int, int, int, int, int]:
    view = stage.exchange.account(stage.account)
    return (
        Currency(view.currency),
        view.wallet,
        view.balance,
        view.available,
        view.initial,
        view.maintenance,
    )


def _executions(stage: Stage) -> list[Execution]:
    return stage.exchange.executions(stage.account)
