"""What only a scripted gateway says: corrections, codes about the link, half answers, noise."""

import asyncio
import itertools
from decimal import Decimal
from typing import Any

import pytest

from adapters.errors import Misconfigured, NotSent, OutcomeUnknown, Refused, Unreachable
from adapters.ibkr.settings import IndexSettings
from adapters.ibkr.venue import IbkrVenue
from adapters.venue import ClockSeen, IndexRole, IndexTold, LinkState
from risk.orders import OrderStatus
from risk.portfolio import Quote
from tests import patient
from tests.integration.ibkr_adapter_bench import MBT, Heard, settings, until
from tests.integration.ibkr_scene import Scene, accepting, run, scene
from tests.integration.ibkr_scripted_gateway import ALL_OPEN, SUMMARY, TIME, ScriptedGateway, scripted

EXEC = "0000e1a7.5c46793a.01.01"


def test_a_correction_over_the_wire() -> None:
    async def main() -> None:
        async with scene(PLACE=accepting) as s:
            await s.submit()
            s.gateway.execution(EXEC, 5, order_id=s.order_id())
            s.gateway.execution(EXEC[:-2] + "02", 3, order_id=s.order_id(), price=100_010)
            await until(lambda: len(s.heard.fills) == 2)
            first, corrected = s.heard.fills
            assert first.execution_id == corrected.execution_id
            assert (corrected.quantity, corrected.price) == (3, Decimal(100_010))
            assert [(u.status, u.filled) for u in s.heard.of("p1")] == [
                (OrderStatus.FILLED, 5),
                (OrderStatus.CANCELED, 3),  # it had ended: what was taken back is not worked again
            ]

    run(main)


def test_the_fill_is_in_the_sink_before_the_next_message_is_read() -> None:
    async def main() -> None:
        async with scene(PLACE=accepting) as s:
            await s.submit()
            order = s.order_id()
            s.gateway.execution(EXEC, 5, order_id=order)
            s.gateway.status(order, "Filled", 5, 0)
            s.gateway.commission(EXEC, "2.47")
            s.gateway.quote("999")
            await until(lambda: s.heard.fees)
            names = [type(e).__name__ for e in s.heard.events if not isinstance(e, Quote | ClockSeen)]
            assert names == ["HoursAnnounced", "Link", "Fill", "OrderUpdate", "CommissionReport"]

    run(main)


def test_1100_takes_the_link_down_and_1101_brings_it_back_with_new_subscriptions() -> None:
    async def main() -> None:
        async with scene(PLACE=accepting) as s:
            s.gateway.error(-1, 1100, "Connectivity between IB and TWS has been lost.")
            await until(lambda: not s.heard.is_up)
            assert "1100" in s.heard.links[-1].detail
            with pytest.raises(NotSent):
                await s.submit()
            with pytest.raises(Unreachable):
                await s.venue.positions()
            assert s.gateway.orders() == []
            before = len([m for m in s.gateway.heard if m[0] == "1"])
            missed = "0000e1a7.5c46793b.01.01"

            def one_execution(gateway: ScriptedGateway, message: list[str]) -> None:
                gateway.execution(missed, 2, request_id=message[2], ref="old")
                gateway.say(55, 1, message[2])

            s.gateway.answers["7"] = one_execution
            s.gateway.error(-1, 1101, "Connectivity restored - data lost.")
            await until(lambda: s.heard.is_up)
            assert [f.client_order_id for f in s.heard.fills] == ["old"]
            assert len([m for m in s.gateway.heard if m[0] == "1"]) == before + 1
            await s.submit()
            assert s.gateway.connections == 1

    run(main)


def test_1102_brings_the_link_back_and_keeps_the_subscriptions() -> None:
    async def main() -> None:
        async with scene() as s:
            subscribed = len([m for m in s.gateway.heard if m[0] == "1"])
            s.gateway.error(-1, 1100, "lost")
            s.gateway.error(-1, 1102, "Connectivity restored - data maintained.")
            await until(lambda: s.heard.is_up and len(s.heard.links) == 3)
            assert len([m for m in s.gateway.heard if m[0] == "1"]) == subscribed

    run(main)


def test_a_competing_session_takes_the_link_down_but_orders_still_go() -> None:
    async def main() -> None:
        async with scene(PLACE=accepting, changes={"heartbeat": 0.05}) as s:
            s.gateway.answers["1"] = lambda g, m: None
            request = next(m for m in s.gateway.heard if m[0] == "1")[2]
            s.gateway.error(request, 10197, "No market data during competing live session")
            await until(lambda: not s.heard.is_up)
            assert "competing live session" in s.heard.links[-1].detail
            assert (await s.submit()).status is OrderStatus.NEW
            s.gateway.answers["1"] = lambda g, m: g.quote(m[2])
            await until(lambda: s.heard.is_up)  # asked again with the heartbeat, and quoted

    run(main)


def test_delayed_data_is_no_quote() -> None:
    async def main() -> None:
        async with scene() as s:
            request = next(m for m in s.gateway.heard if m[0] == "1")[2]
            s.gateway.say(58, 1, request, 3)
            await until(lambda: s.heard.quotes[-1].bids == () and s.heard.quotes[-1].asks == ())

    run(main)


@pytest.mark.parametrize(("price", "size"), [("-1", 0), ("-1", 5), ("0", 5), ("nan", 5), ("100000", 0)])
def test_a_price_or_size_that_is_none_is_an_absent_side(price: str, size: int) -> None:
    async def main() -> None:
        async with scene() as s:
            request = next(m for m in s.gateway.heard if m[0] == "1")[2]
            s.gateway.say(1, 6, request, 1, price, size, 0)
            await until(lambda: s.heard.quotes[-1].bids == ())
            assert s.heard.quotes[-1].asks[0].quantity == 8

    run(main)


@pytest.mark.parametrize("code", [110, 201, 321, 434])
def test_an_order_refused_by_an_error_alone(code: int) -> None:
    async def main() -> None:
        async with scene(PLACE=lambda g, m: g.error(m[1], code, "no")) as s:
            with pytest.raises(Refused) as caught:
                await s.submit()
            assert (caught.value.code, caught.value.detail) == (str(code), "no")

    run(main)


def test_an_unknown_error_about_a_new_order_makes_it_unknown_once_the_broker_lists_it_nowhere() -> None:
    async def main() -> None:
        async with scene(PLACE=lambda g, m: g.error(m[1], 9999, "something new")) as s:
            with pytest.raises(OutcomeUnknown, match="something new") as caught:
                await s.submit()
            assert caught.value.code == "9999"
            assert await s.venue.order(MBT, "p1") is None

    run(main)


def test_a_lone_202_is_provisional_until_the_open_orders_confirm_it() -> None:
    async def main() -> None:
        async with scene(PLACE=accepting) as s:
            await s.submit()
            asked = len([m for m in s.gateway.heard if m[0] == ALL_OPEN])
            s.gateway.error(s.order_id(), 202, "Order Canceled - reason:")
            await until(lambda: s.heard.of("p1"))
            assert s.heard.of("p1")[-1].status is OrderStatus.CANCELED
            assert len([m for m in s.gateway.heard if m[0] == ALL_OPEN]) == asked + 1

    run(main)


def test_a_cancelled_that_the_open_orders_contradict_is_not_told_and_the_order_fills() -> None:
    async def main() -> None:
        async with scene(PLACE=accepting) as s:
            await s.submit()
            order = s.order_id()

            def still_open(gateway: ScriptedGateway, message: list[str]) -> None:
                gateway.open_order(order, "Submitted")
                gateway.say(53, 1)

            s.gateway.answers[ALL_OPEN] = still_open
            s.gateway.status(order, "Cancelled")
            await asyncio.sleep(0.3)
            assert s.heard.of("p1") == []
            s.gateway.execution(EXEC, 5, order_id=order)
            await until(lambda: s.heard.of("p1"))
            assert [u.status for u in s.heard.of("p1")] == [OrderStatus.FILLED]

    run(main)


def test_open_orders_a_moment_behind_a_cancel_are_asked_again() -> None:
    async def main() -> None:
        async with scene(PLACE=accepting) as s:
            await s.submit()
            order, asked = s.order_id(), []

            def late(gateway: ScriptedGateway, message: list[str]) -> None:
                asked.append(message)
                if len(asked) == 1:
                    gateway.open_order(order, "Submitted")
                gateway.say(53, 1)

            s.gateway.answers[ALL_OPEN] = late
            s.gateway.status(order, "Cancelled")
            await until(lambda: s.heard.of("p1"))
            assert [u.status for u in s.heard.of("p1")] == [OrderStatus.CANCELED]
            assert len(asked) == 2

    run(main)


def test_a_failed_cancel_of_an_order_that_lives_says_nothing_of_it() -> None:
    async def main() -> None:
        async with scene(PLACE=accepting) as s:
            await s.submit()
            order = s.order_id()

            def still_open(gateway: ScriptedGateway, message: list[str]) -> None:
                gateway.open_order(order, "Submitted")
                gateway.say(53, 1)

            s.gateway.answers[ALL_OPEN] = still_open
            s.gateway.answers["4"] = lambda g, m: g.error(m[2], 10148, "cannot be cancelled, state: PendingX")
            await s.venue.cancel(MBT, "p1")
            await asyncio.sleep(0.1)
            assert [u.status for u in s.heard.of("p1")] in ([], [OrderStatus.NEW])
            update = await s.venue.order(MBT, "p1")
            assert update is not None
            assert update.status is OrderStatus.NEW

    run(main)


def test_another_programs_order_is_listed_and_not_ours_to_cancel() -> None:
    async def main() -> None:
        async with scene(PLACE=accepting) as s:

            def theirs(gateway: ScriptedGateway, message: list[str]) -> None:
                gateway.open_order(1, "Submitted", ref="theirs", client_id=8)
                gateway.say(53, 1)

            s.gateway.answers[ALL_OPEN] = theirs
            with pytest.raises(Refused, match="client id 8"):
                await s.venue.cancel(MBT, "theirs")
            (listed,) = await s.venue.open_orders()
            assert (listed.client_order_id, listed.quantity) == ("theirs", 5)
            assert s.heard.updates == []

    run(main)


def test_an_order_id_still_in_use_at_the_gateway_is_not_used_again() -> None:
    """The ids have rolled back: to place order 105 would modify the order that has that id."""

    async def main() -> None:
        def old_order(gateway: ScriptedGateway, message: list[str]) -> None:
            gateway.open_order(105, "Submitted", ref="old")
            gateway.say(53, 1)

        def accept(gateway: ScriptedGateway, message: list[str]) -> None:
            gateway.status(message[1], "Submitted", perm_id=1000 + int(message[1]))

        async with scene(ALL_OPEN=old_order, PLACE=accept) as s:
            assert s.gateway.next_id == 100
            for name in ("a", "b", "c"):
                await s.submit(name)
            assert all(int(order[1]) > 105 for order in s.gateway.orders())

    run(main)


def test_a_warning_about_a_question_does_not_fail_it() -> None:
    async def main() -> None:
        async with scene() as s:

            def warned(gateway: ScriptedGateway, message: list[str]) -> None:
                gateway.error(message[2], 2100, "New account data requested from TWS.")
                gateway.say(55, 1, message[2])

            s.gateway.answers["7"] = warned
            assert await s.venue.fills(patient.Clock().now()) == []
            s.gateway.answers["7"] = lambda g, m: g.error(m[2], 321, "read-only")
            with pytest.raises(Unreachable) as caught:
                await s.venue.fills(patient.Clock().now())
            assert (caught.value.code, caught.value.detail) == ("321", "read-only")

    run(main)


def test_a_new_connection_subscribes_and_gives_nothing_back_it_never_had() -> None:
    async def main() -> None:
        async with scene() as s:
            s.gateway.hang_up()
            await until(lambda: len(s.heard.links) >= 3 and s.heard.is_up)
            assert [m[0] for m in s.gateway.heard if m[0] in "12"] == ["1", "1"]

    run(main)


def test_reconnecting_waits_longer_each_time_up_to_a_bound_and_never_gives_up() -> None:
    async def main() -> None:
        attempts: list[float] = []
        clock = patient.Clock()

        def refuse(gateway: ScriptedGateway, message: list[str]) -> None:
            attempts.append(clock.monotonic())
            gateway.hang_up()

        async with scene(changes={"backoff_first": 0.02, "backoff_max": 0.16}) as s:
            s.gateway.answers["71"] = refuse
            s.gateway.hang_up()
            await until(lambda: len(attempts) >= 7)
            pauses = [later - sooner for sooner, later in itertools.pairwise(attempts)]
            assert all(
                pause >= least for pause, least in zip(pauses, (0.02, 0.04, 0.08, 0.16, 0.16), strict=False)
            )
            assert all(pause < 0.16 + 0.1 for pause in pauses)
            s.gateway.answers["71"] = lambda g, m: g.start_api()
            await until(lambda: s.heard.is_up)

    run(main)


def test_unanswered_open_orders_are_unreachable_not_none_and_end_the_link() -> None:
    async def main() -> None:
        async with scene(changes={"question_timeout": 0.1, "heartbeat": 30.0}) as s:
            s.gateway.answers[ALL_OPEN] = lambda g, m: None
            with pytest.raises(Unreachable, match=r"no answer within 0\.1 s"):
                await s.venue.open_orders()
            await until(lambda: not s.heard.is_up)
            s.gateway.answers[ALL_OPEN] = lambda g, m: g.say(53, 1)
            await until(lambda: s.heard.is_up)
            assert s.gateway.connections >= 2

    run(main)


@pytest.mark.parametrize("number", ["16", "7", "61"], ids=["open orders", "executions", "positions"])
def test_connecting_fails_when_a_start_up_question_stays_unanswered(number: str) -> None:
    async def main() -> None:
        async with scripted() as gateway:
            gateway.answers[number] = lambda g, m: None
            venue, heard = (
                IbkrVenue(settings(gateway.port, question_timeout=0.1), patient.Clock()),
                Heard(),
            )
            with pytest.raises(Unreachable, match="no answer"):
                await venue.connect([MBT.symbol], heard)
            await venue.close()
            assert heard.links == []

    run(main)


def test_a_caller_who_gives_up_spoils_no_later_answer() -> None:
    async def main() -> None:
        async with scene() as s:
            held: list[ScriptedGateway] = []
            s.gateway.answers[ALL_OPEN] = lambda g, m: held.append(g)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(s.venue.open_orders(), 0.05)
            s.gateway.answers[ALL_OPEN] = lambda g, m: g.say(53, 1)
            asking = asyncio.ensure_future(s.venue.open_orders())
            await asyncio.sleep(0.02)
            assert not asking.done()  # the first answer is still owed
            held[0].say(53, 1)
            assert await asking == []
            assert s.heard.is_up

    run(main)


def test_a_gateway_that_stops_answering_the_heartbeat_is_left_and_tried_again() -> None:
    async def main() -> None:
        async with scene(changes={"heartbeat": 0.05, "heartbeat_timeout": 0.05}) as s:
            s.gateway.answers[TIME] = lambda g, m: None
            await until(lambda: not s.heard.is_up)
            assert "the time" in s.heard.links[1].detail
            s.gateway.answers[TIME] = lambda g, m: g.say(49, 1, 1795000000)
            await until(lambda: s.heard.is_up)

    run(main)


def test_a_message_that_cannot_be_read_ends_the_link_for_a_fill_may_be_in_it() -> None:
    async def main() -> None:
        async with scene() as s:
            s.gateway.say(11, -1, "what", "is", "this")
            await until(lambda: len(s.heard.links) >= 3 and s.heard.is_up)
            assert "cannot read a message of type 11" in s.heard.links[1].detail
            assert s.gateway.connections == 2

    run(main)


def test_noise_that_concerns_nothing_of_ours_is_passed_over() -> None:
    async def main() -> None:
        async with scene() as s:
            s.gateway.say(46, 6, 1, 45, "1795000000")
            s.gateway.say(8, 1, "12:00")
            s.gateway.say(999, "from the future")
            s.gateway.error(-1, 2103, "Market data farm connection is broken")
            s.gateway.error(55555, 366, "No historical data query found")
            await s.venue.positions()
            assert s.heard.is_up
            assert len(s.heard.links) == 1

    run(main)


def test_a_gateway_that_hangs_up_during_login_says_client_id_or_trust() -> None:
    async def main() -> None:
        async with scripted(START_API=lambda g, m: g.hang_up()) as gateway:
            venue = IbkrVenue(settings(gateway.port), patient.Clock())
            with pytest.raises(Misconfigured, match="client id 7 is in use by another program or"):
                await venue.connect([MBT.symbol], Heard())
            await venue.close()

    run(main)


def test_something_that_is_no_gateway_is_unreachable() -> None:
    async def main() -> None:
        def web_server(gateway: ScriptedGateway, message: list[str]) -> None:
            gateway.say_raw(b"\x00\x00\x00\x05oops\x00" * 3)

        async with scripted(START_API=web_server) as gateway:
            venue = IbkrVenue(settings(gateway.port, connect_timeout=0.3), patient.Clock())
            with pytest.raises(Unreachable, match="cannot read the gateway"):
                await venue.connect([MBT.symbol], Heard())
            await venue.close()

    run(main)


def test_a_sink_that_fails_is_loud_and_breaks_neither_link_nor_order() -> None:
    async def main() -> None:
        loud: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: loud.append(context))
        async with scripted(PLACE=accepting) as gateway:
            heard = Heard()

            def sink(event: Any) -> None:
                heard(event)
                if type(event).__name__ == "Fill":
                    raise LookupError("the sink's own mistake")

            venue = IbkrVenue(settings(gateway.port), patient.Clock())
            await venue.connect([MBT.symbol], sink)
            s = Scene(gateway, venue, heard)
            await s.submit()
            gateway.execution(EXEC, 5, order_id=s.order_id())
            await until(lambda: heard.of("p1"))
            assert heard.of("p1")[-1].status is OrderStatus.FILLED
            assert [str(c["exception"]) for c in loud] == ["the sink's own mistake"]
            assert heard.links[-1].state is LinkState.UP
            await venue.close()

    run(main)


@pytest.mark.parametrize(
    ("rows", "error", "text"),
    [
        ([("TotalCashValue", "1.00", "USD")], Unreachable, "FuturesPNL was answered by nothing"),
        ([("TotalCashValue", "many", "USD")], Unreachable, "answered by 'many'"),
        ([("TotalCashValue", "1.00", "EUR")], Misconfigured, "is kept in EUR"),
    ],
)
def test_an_account_that_cannot_be_understood(
    rows: list[tuple[str, str, str]], error: type[Exception], text: str
) -> None:
    async def main() -> None:
        def answer(gateway: ScriptedGateway, message: list[str]) -> None:
            for tag, value, currency in rows:
                gateway.say(63, 1, message[2], "DU0000001", tag, value, currency)
            gateway.say(64, 1, message[2])

        async with scene() as s:
            s.gateway.answers[SUMMARY] = answer
            with pytest.raises(error, match=text):
                await s.venue.account()

    run(main)


@pytest.mark.parametrize(
    ("announced", "amount"),
    [
        (("250000.00", "USD"), Decimal(250_000)),
        (("", "USD"), None),
        (("-1", "USD"), None),
        (("250000.00", "EUR"), None),
        (None, None),
    ],
)
def test_the_wallet_is_cash_without_the_futures_open_result_exactly(
    announced: tuple[str, str] | None, amount: Decimal | None
) -> None:
    async def main() -> None:
        def answer(gateway: ScriptedGateway, message: list[str]) -> None:
            for tag, value, currency in (
                ("TotalCashValue", "1234567.89", "USD"),
                ("NetLiquidation", "1234567.89", "USD"),
                ("AvailableFunds", "1000000.01", "USD"),
                ("FullInitMarginReq", "234567.88", "USD"),
                ("FullMaintMarginReq", "200000.10", "USD"),
                ("FuturesPNL", "-0.11", "USD"),
                ("FuturesPNL", "99.99", "BASE"),
                *([("LookAheadMaintMarginReq", *announced)] if announced else []),
            ):
                gateway.say(63, 1, message[2], "DU0000001", tag, value, currency)
            gateway.say(64, 1, message[2])

        async with scene() as s:
            s.gateway.answers[SUMMARY] = answer
            account = await s.venue.account()
            assert account.wallet.amount == Decimal("1234568.00")
            assert account.equity.amount == Decimal("1234567.89")
            assert (account.initial_margin.amount, account.maintenance_margin.amount) == (
                Decimal("234567.88"),
                Decimal("200000.10"),
            )
            assert (account.announced_margin.amount if account.announced_margin else None) == amount

    run(main)


def test_an_index_that_is_refused_twice_leaves_the_link_as_it_is() -> None:
    """Of a subscription the gateway may complain more than once: delayed data first (10167), or 10090 and then 354."""

    def refuse(gateway: ScriptedGateway, message: list[str]) -> None:
        if message[5] != "IND":
            gateway.quote(message[2])
            return
        gateway.error(message[2], 10090, "Part of requested market data is not subscribed.")
        gateway.error(message[2], 354, "Requested market data is not subscribed.")

    async def main() -> None:
        indices = {IndexRole.SPOT: IndexSettings("BRTI")}
        async with scene(MARKET=refuse, PLACE=accepting, changes={"indices": indices}) as s:

            def told() -> list[IndexTold]:
                return [event for event in s.heard.events if isinstance(event, IndexTold)]

            await until(lambda: any("354" in event.note for event in told()))
            assert {event.price for event in told()} == {None}
            assert (await s.submit()).status is OrderStatus.NEW
            assert [link.state for link in s.heard.links] == [LinkState.UP]
            assert s.gateway.connections == 1

    run(main)
