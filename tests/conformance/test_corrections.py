"""Trades that the venue restates or takes back: told, told again to who asks, and in position and account."""

from adapters.simulator.exchange.orders import ExecKind
from adapters.venue import LinkState
from risk.money import Money
from risk.orders import Bust, CommissionReport, Fill, OrderStatus, Side
from tests.conformance.play import on_every_venue
from tests.conformance.stage import Stage


async def agree(stage: Stage) -> None:
    """Wait until the venue's position and wallet are the exchange's, to the satoshi and the cent."""
    held = stage.exchange.position(stage.account, stage.listed).contracts
    wallet = stage.exchange.account(stage.account).wallet
    cent = 1 if stage.exchange.spec(stage.listed).is_inverse else 1_000_000

    for _ in range(100):
        positions = await stage.venue.positions()
        account = await stage.venue.account()
        told = sum(position.contracts for position in positions)
        if told == held and abs(account.wallet.units - wallet) < cent:
            return
    raise AssertionError((told, held, account.wallet, wallet))


async def fees(stage: Stage, fills: list[Fill]) -> list[Money | None]:
    """Return the fee of each fill, where it came with it or was reported; the highest revision's stands."""
    if stage.venue.capabilities.fee_with_fill:
        return [fill.fee for fill in fills]
    reports: dict[str, CommissionReport] = {}
    for report in sorted(await stage.venue.commissions(stage.began), key=lambda one: one.revision):
        reports[report.execution_id] = report
    return [reports[fill.execution_id].fee for fill in fills]


@on_every_venue()
async def test_a_correction_takes_the_place_of_the_fill(stage: Stage) -> None:
    stage.market([(-1, 100)], [(0, 2), (1, 3)])
    await stage.submit("walk", Side.BUY, 5, 1)
    first, second = await stage.fills_told()
    wrong = stage.trades[0]
    price = int(stage.price(2) * 100)
    stands = stage.exchange.correct(stage.account, wrong.exec_id, quantity=stage.lot, price=price)
    await stage.until(lambda: len(stage.heard.fills) == 3)
    told = stage.heard.fills[-1]
    assert (told.execution_id, told.client_order_id, told.side) == (first.execution_id, "walk", Side.BUY)
    assert (told.quantity, told.price) == (stage.lot, stage.price(2))
    assert told.revision > first.revision
    asked = await stage.venue.fills(stage.began)
    assert {(fill.execution_id, fill.quantity, fill.price, fill.revision) for fill in asked} == {
        (first.execution_id, stage.lot, stage.price(2), told.revision),
        (second.execution_id, 3 * stage.lot, stage.price(1), second.revision),
    }
    assert await stage.venue.busts(stage.began) == []
    if not stage.venue.capabilities.fee_with_fill:
        await stage.until(lambda: len(stage.heard.reports) == 3)
        assert stage.heard.reports[-1].revision == told.revision
    by_id = dict(zip([fill.execution_id for fill in asked], await fees(stage, asked), strict=True))
    told_fee = by_id[first.execution_id]
    assert told_fee is not None
    assert told_fee.units == stands.fee
    await agree(stage)
    known = await stage.venue.order(told.instrument, "walk")
    assert known is not None
    assert (known.status, known.filled, known.leaves) == (OrderStatus.CANCELED, 4 * stage.lot, 0)


@on_every_venue()
async def test_a_bust_takes_the_fill_back(stage: Stage) -> None:
    stage.market([(-1, 100)], [(0, 2), (1, 3)])
    await stage.submit("walk", Side.BUY, 5, 1)
    first, second = await stage.fills_told()
    stage.exchange.bust(stage.account, stage.trades[0].exec_id)
    await stage.until(lambda: any(isinstance(event, Bust) for event in stage.heard.events))
    [told] = [event for event in stage.heard.events if isinstance(event, Bust)]
    assert (told.execution_id, told.instrument, told.client_order_id) == (
        first.execution_id,
        first.instrument,
        "walk",
    )
    assert told.revision > first.revision
    assert [fill.execution_id for fill in await stage.venue.fills(stage.began)] == [second.execution_id]
    asked = await stage.venue.busts(stage.began)
    assert [(bust.execution_id, bust.revision) for bust in asked] == [(first.execution_id, told.revision)]
    await agree(stage)
    known = await stage.venue.order(told.instrument, "walk")
    assert known is not None
    assert (known.status, known.filled) == (OrderStatus.CANCELED, 3 * stage.lot)


@on_every_venue()
async def test_what_a_live_order_lost_is_told_and_worked_again(stage: Stage) -> None:
    update = await stage.rest("work", Side.BUY, 4, -20)
    stage.market([(-40, 10)], [(-30, 3)])
    await stage.fills_told()
    stage.market([(-40, 10)], [(10, 3)])
    stage.exchange.bust(stage.account, stage.trades[0].exec_id)
    await stage.until(lambda: stage.heard.updates("work") and stage.heard.updates("work")[-1].filled == 0)
    known = await stage.venue.order(update.instrument, "work")
    assert known is not None
    assert (known.status, known.filled, known.leaves) == (OrderStatus.NEW, 0, 4 * stage.lot)
    stage.market([(-60, 10)], [(-50, 4)])
    assert (await stage.finished("work")).filled == 4 * stage.lot
    await agree(stage)


@on_every_venue()
async def test_what_was_restated_without_a_link_is_told_after_the_reconnect(stage: Stage) -> None:
    for name in ("corrected", "busted", "stands"):
        await stage.submit(name, Side.BUY, 2, 0)
    before = await stage.fills_told()
    await stage.cut()
    await stage.until(lambda: stage.heard.links[-1] is LinkState.DOWN)
    exec_ids = [trade.exec_id for trade in stage.trades]
    stage.exchange.correct(stage.account, exec_ids[0], quantity=stage.lot)
    stage.exchange.bust(stage.account, exec_ids[1])
    stage.market([(-1, 100)], [(0, 100)])
    await stage.mend()
    await stage.until(lambda: stage.heard.links[-1] is LinkState.UP)
    asked = await stage.venue.fills(stage.began)
    assert sorted((fill.execution_id, fill.quantity) for fill in asked) == sorted(
        [(before[0].execution_id, stage.lot), (before[2].execution_id, 2 * stage.lot)]
    )
    assert [bust.execution_id for bust in await stage.venue.busts(stage.began)] == [before[1].execution_id]
    # Whoever only listens has been told as well, each once.
    await stage.until(
        lambda: (
            sum(fill.revision > before[0].revision for fill in stage.heard.fills) == 1
            and sum(isinstance(event, Bust) for event in stage.heard.events) == 1
        )
    )
    told = [fill for fill in stage.heard.fills if fill.revision > before[0].revision]
    assert [(fill.execution_id, fill.quantity) for fill in told] == [(before[0].execution_id, stage.lot)]
    kinds = [one.kind for one in stage.exchange.executions(stage.account)]
    assert kinds == [ExecKind.TRADE] * 3 + [ExecKind.CORRECTION, ExecKind.BUST]
    await agree(stage)
