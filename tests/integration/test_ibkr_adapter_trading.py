"""Orders, fills, fees and questions over a real socket, against the simulated gateway."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from adapters.errors import Misconfigured, Refused
from adapters.ibkr.settings import IbkrSettings
from adapters.ibkr.venue import IbkrVenue
from adapters.simulator.tws.order_log import OrderAction
from adapters.venue import LinkState
from risk.instruments import InstrumentId
from risk.money import Currency, Money
from risk.orders import Fill, OrderStatus, OrderUpdate, Side, TimeInForce
from risk.portfolio import Level
from risk.terms import Kind
from tests import patient
from tests.integration.ibkr_adapter_bench import (
    ACCOUNT,
    GTC,
    MBT,
    Bench,
    Heard,
    approved,
    bench,
    contract,
    settings,
    until,
)

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


def test_connecting_states_the_terms_and_streams_quotes() -> None:
    async def main() -> None:
        async with bench() as b:
            terms = b.venue.instrument(MBT.symbol).terms
            assert (terms.kind, terms.lot, terms.tick, terms.multiplier) == (
                Kind.LINEAR,
                1,
                Decimal(5),
                Decimal("0.1"),
            )
            assert terms.expiry == datetime(2030, 6, 28, 15, tzinfo=UTC)  # 16:00 London in summer
            assert terms.maker_fee == terms.taker_fee == 0
            assert b.heard.links[0].state is LinkState.UP
            quote = b.heard.quotes[0]
            assert quote.bids == (Level(Decimal(100_000), 10),)
            assert quote.asks == (Level(Decimal(100_005), 10),)
            b.market(100_010, 100_020, size=4)
            await until(lambda: b.heard.quotes[-1].bid == Level(Decimal(100_010), 4))
            await until(lambda: b.heard.quotes[-1].ask == Level(Decimal(100_020), 4))
            b.depth([(100_010, 4)], [])
            await until(lambda: b.heard.quotes[-1].asks == ())
            assert b.heard.quotes[-1].bid == Level(Decimal(100_010), 4)

    patient.run(main())


def test_an_ioc_order_fills_and_its_commission_follows() -> None:
    async def main() -> None:
        async with bench() as b:
            update = await b.submit("p1-01w-001", Side.BUY, 3, 100_005)
            assert (update.status, update.filled, update.leaves) == (OrderStatus.FILLED, 3, 0)
            assert update.client_order_id == "p1-01w-001"
            await until(lambda: b.heard.fees)
            (fill,), (fee,) = b.heard.fills, b.heard.fees
            assert (fill.instrument, fill.client_order_id, fill.side) == (MBT, "p1-01w-001", Side.BUY)
            assert (fill.quantity, fill.price, fill.fee) == (3, Decimal(100_005), None)
            assert fill.venue_order_id == update.venue_order_id
            assert fee.execution_id == fill.execution_id
            assert fee.fee == Money.of(Currency.USD, Decimal("3.75"))  # 3 × 1.25
            (entry,) = b.server.order_log
            assert (entry.action, entry.side, entry.tif) == (OrderAction.PLACE, "BUY", "IOC")
            assert entry.quantity == 3
            assert (entry.limit, entry.order_ref) == (Decimal(100_005), "p1-01w-001")

    patient.run(main())


def test_partial_fills_are_told_one_by_one_before_the_cancel_of_the_rest() -> None:
    async def main() -> None:
        async with bench() as b:
            b.depth([(99_995, 10)], [(100_005, 2), (100_010, 3)])
            update = await b.submit("p1-01w-001", Side.BUY, 9, 100_010)
            assert update.filled == 5
            await until(lambda: b.heard.of("p1-01w-001")[-1].status is OrderStatus.CANCELED)
            assert [(f.quantity, f.price) for f in b.heard.fills] == [
                (2, Decimal(100_005)),
                (3, Decimal(100_010)),
            ]
            last = b.heard.of("p1-01w-001")[-1]
            assert (last.filled, last.leaves, last.quantity) == (5, 0, 9)
            private = [e for e in b.heard.events if isinstance(e, Fill | OrderUpdate)]
            assert isinstance(private[0], Fill)
            assert isinstance(private[-1], OrderUpdate)

    patient.run(main())


def test_a_resting_order_is_listed_fills_in_parts_and_can_be_cancelled() -> None:
    async def main() -> None:
        async with bench() as b:
            update = await b.submit("p1-01w-001", Side.SELL, 6, 100_100, **GTC)
            assert (update.status, update.leaves) == (OrderStatus.NEW, 6)
            (listed,) = await b.venue.open_orders()
            assert replace(listed, at=update.at) == update
            b.depth([(100_105, 2)], [(100_200, 5)])  # trades through the limit for 2
            await until(lambda: b.heard.fills)
            assert b.heard.fills[0].price == Decimal(100_100)
            await until(lambda: b.heard.of("p1-01w-001")[-1].status is OrderStatus.PARTIALLY_FILLED)
            await b.venue.cancel(MBT, "p1-01w-001")
            await until(lambda: b.heard.of("p1-01w-001")[-1].status is OrderStatus.CANCELED)
            assert b.heard.of("p1-01w-001")[-1].filled == 2
            assert await b.venue.open_orders() == []
            await b.venue.cancel(MBT, "p1-01w-001")  # final already: no error

    patient.run(main())


def test_a_gtd_order_ends_by_itself() -> None:
    async def main() -> None:
        async with bench() as b:
            end = b.clock.now() + timedelta(seconds=2)
            await b.submit("p1-01w-001", Side.BUY, 1, 99_000, time_in_force=TimeInForce.GTD, expires_at=end)
            assert len(await b.venue.open_orders()) == 1

            def ended() -> bool:
                b.exchange.step()
                return any(u.status is OrderStatus.CANCELED for u in b.heard.of("p1-01w-001"))

            await until(ended)
            assert b.clock.now() < end + timedelta(seconds=1)

    patient.run(main())


@pytest.mark.parametrize(
    ("quantity", "price", "code"), [(1, 100_003, "110"), (100_000, 99_000, "201")], ids=["off tick", "margin"]
)
def test_the_brokers_refusals_are_refusals(quantity: int, price: int, code: str) -> None:
    async def main() -> None:
        async with bench() as b:
            instrument = b.venue.instrument(MBT.symbol)
            loose = replace(instrument, terms=replace(instrument.terms, tick=Decimal(1)))
            order = approved(loose, b.clock, "p1", Side.BUY, quantity, price, ceiling=10**6)
            with pytest.raises(Refused) as caught:
                await b.venue.submit(order)
            assert caught.value.code == code
            assert await b.venue.open_orders() == []

    patient.run(main())


def test_a_read_only_gateway_refuses() -> None:
    async def main() -> None:
        async with bench() as b:
            b.server.faults.read_only = True
            with pytest.raises(Refused) as caught:
                await b.submit("p1", Side.BUY, 1, 100_005)
            assert caught.value.code == "321"

    patient.run(main())


def test_the_same_id_is_not_sent_twice_and_post_only_not_at_all() -> None:
    async def main() -> None:
        async with bench() as b:
            await b.submit("p1", Side.BUY, 1, 100_005)
            with pytest.raises(Refused, match="used before"):
                await b.submit("p1", Side.BUY, 1, 100_005)
            with pytest.raises(Refused, match="post-only"):
                await b.submit("p2", Side.BUY, 1, 99_000, post_only=True, **GTC)
            assert len(b.server.order_log) == 1

    patient.run(main())


def test_questions_about_orders() -> None:
    async def main() -> None:
        async with bench() as b:
            await b.submit("filled", Side.BUY, 3, 100_005)
            await b.submit("resting", Side.BUY, 2, 99_000, **GTC)
            b.depth([(99_995, 10)], [(100_005, 4)])
            await b.submit("cut", Side.BUY, 9, 100_005)
            await until(lambda: b.heard.of("cut")[-1].status is OrderStatus.CANCELED)
            # A second program, which knows nothing of these orders but by asking.
            async with second(b, client_id=8) as other:
                for name, status, filled in (
                    ("filled", OrderStatus.FILLED, 3),
                    ("resting", OrderStatus.NEW, 0),
                    ("cut", OrderStatus.CANCELED, 4),
                ):
                    update = await other.order(MBT, name)
                    assert update is not None
                    assert (update.status, update.filled, update.side) == (status, filled, Side.BUY)
                assert await other.order(MBT, "never") is None
                assert await other.order(InstrumentId("cme", "MBTN30"), "filled") is None
                (open_order,) = await other.open_orders()
                assert open_order.client_order_id == "resting"
                with pytest.raises(Refused, match="client id 7; only that one can cancel"):
                    await other.cancel(MBT, "resting")
                with pytest.raises(Refused, match="no such order"):
                    await other.cancel(MBT, "never")
                fills = await other.fills(EPOCH)
                assert [(f.client_order_id, f.quantity) for f in fills] == [("filled", 3), ("cut", 4)]
                fees = await other.commissions(EPOCH)
                assert [fee.fee.amount for fee in fees] == [Decimal("3.75"), Decimal("5")]
                assert await other.fills(b.clock.now() + timedelta(hours=1)) == []

    patient.run(main())


def test_positions_and_account_to_the_cent() -> None:
    async def main() -> None:
        async with bench() as b:
            assert await b.venue.positions() == []
            await b.submit("p1", Side.SELL, 4, 100_000)
            (position,) = await b.venue.positions()
            assert (position.instrument, position.contracts) == (MBT, -4)
            # The broker's average cost holds the commission: 100,000 less 1.25 / 0.1.
            assert position.entry == Decimal("99987.5")
            b.market(100_490, 100_510)
            await asyncio.sleep(0.05)
            account = await b.venue.account()
            truth = b.exchange.account(ACCOUNT)
            assert account.wallet == Money.of(Currency.USD, Decimal("9999995"))  # 10 M − 4 × 1.25
            assert account.equity.amount == Decimal(truth.balance) / 10**8
            assert account.equity != account.wallet
            assert account.initial_margin.amount == Decimal(truth.initial) / 10**8
            assert account.maintenance_margin.amount == Decimal(truth.maintenance) / 10**8
            assert account.announced_margin == account.maintenance_margin
            assert account.available == Money(
                Currency.USD, account.equity.units - account.initial_margin.units
            )
            assert await b.venue.cash_flows(EPOCH) == []
            assert not b.venue.capabilities.cash_flows

    patient.run(main())


def test_many_questions_at_once_each_get_their_own_answer() -> None:
    async def main() -> None:
        async with bench() as b:
            await b.submit("resting", Side.BUY, 2, 99_000, **GTC)
            await b.submit("filled", Side.BUY, 3, 100_005)
            orders = [asyncio.ensure_future(b.venue.open_orders()) for _ in range(3)]
            positions = [asyncio.ensure_future(b.venue.positions()) for _ in range(3)]
            accounts = [asyncio.ensure_future(b.venue.account()) for _ in range(4)]
            filled, never = await asyncio.gather(b.venue.order(MBT, "filled"), b.venue.order(MBT, "never"))
            assert filled is not None
            assert filled.status is OrderStatus.FILLED
            assert never is None
            for listed in await asyncio.gather(*orders):
                assert [(o.client_order_id, o.leaves) for o in listed] == [("resting", 2)]
            for held in await asyncio.gather(*positions):
                assert [p.contracts for p in held] == [3]
            wallets = {account.wallet.amount for account in await asyncio.gather(*accounts)}
            assert wallets == {Decimal("9999996.25")}  # 10 M − 3 × 1.25

    patient.run(main())


@pytest.mark.parametrize("version", [157, 163, 164, 166, 169, 176, 177, 178])
def test_gateways_of_every_version_with_another_format_are_understood(version: int) -> None:
    async def main() -> None:
        # Old gateways write times without a zone: theirs.
        async with bench(server={"server_version": version}, gateway_timezone="US/Central") as b:
            await b.submit("filled", Side.BUY, 3, 100_005)
            await b.submit("resting", Side.SELL, 2, 100_500, **GTC)
            (resting,) = await b.venue.open_orders()
            assert (resting.client_order_id, resting.side, resting.leaves) == ("resting", Side.SELL, 2)
            (fill,) = await b.venue.fills(EPOCH)
            assert (fill.client_order_id, fill.quantity) == ("filled", 3)
            assert abs(fill.at - b.clock.now()) < timedelta(seconds=5)
            (position,) = await b.venue.positions()
            assert position.contracts == 3
            await b.venue.cancel(MBT, "resting")
            await until(lambda: [u.status for u in b.heard.of("resting")] == [OrderStatus.CANCELED])
            with pytest.raises(Refused):
                await b.submit("too much", Side.BUY, 9_000, 99_000, ceiling=9_000, **GTC)

    patient.run(main())


def test_a_flood_of_questions_holds_up_no_order() -> None:
    async def main() -> None:
        async with bench(heartbeat=5.0) as b:
            asking = [asyncio.ensure_future(b.venue.account()) for _ in range(40)]
            await asyncio.sleep(0.02)
            started = b.clock.monotonic()
            await b.submit("p1", Side.BUY, 1, 100_005)
            # Behind 80 messages of questions it would wait until the next second begins.
            assert b.server.order_log[0].received - started < 0.3
            assert not all(question.done() for question in asking)
            await asyncio.gather(*asking)

    patient.run(main())


def test_duplicate_executions_are_told_once() -> None:
    async def main() -> None:
        async with bench() as b:
            b.server.faults.duplicate_executions = True
            await b.submit("p1", Side.BUY, 3, 100_005)
            await until(lambda: b.heard.fees)
            assert [f.quantity for f in b.heard.fills] == [3]

    patient.run(main())


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"multiplier": Decimal(5)}, "the multiplier is 0.1 at the broker, 5 in the settings"),
        ({"min_tick": Decimal("2.5")}, "the minimum tick is 5 at the broker, 2.5 in the settings"),
        ({"expiry": "203007"}, "No security definition"),
    ],
)
def test_a_contract_that_is_not_as_expected_is_a_misconfiguration(
    changes: dict[str, object], text: str
) -> None:
    async def main() -> None:
        async with bench(connect=False, contracts={MBT.symbol: contract(**changes)}) as b:
            with pytest.raises(Misconfigured, match=text):
                await b.connect()
            assert b.heard.events == []

    patient.run(main())


def test_an_account_or_symbol_not_there_is_a_misconfiguration() -> None:
    async def main() -> None:
        async with bench(connect=False, account="DU9") as b:
            with pytest.raises(Misconfigured, match="no account DU9, only DU0000001"):
                await b.connect()
        async with bench(connect=False) as b:
            with pytest.raises(Misconfigured, match=r"MBTZ99.*known: MBTM30"):
                await b.venue.connect(["MBTZ99"], b.heard)

    patient.run(main())


class second:  # noqa: N801 - reads as a verb
    """A second program on the same account."""

    def __init__(self, b: Bench, client_id: int) -> None:
        self._b = b
        self._settings: IbkrSettings = settings(b.port, client_id=client_id)

    async def __aenter__(self) -> IbkrVenue:
        self._venue = IbkrVenue(self._settings, self._b.clock)
        await self._venue.connect([MBT.symbol], Heard())
        return self._venue

    async def __aexit__(self, *_: object) -> None:
        await self._venue.close()
