"""What goes over the wire when an order is placed or cancelled, and what is concluded from what comes back."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from adapters.bitmex.venue import BitmexVenue
from adapters.errors import NotSent, OutcomeUnknown, Refused, Throttled, Unreachable, VenueError
from risk.orders import OrderStatus, OrderUpdate, Side, TimeInForce
from tests import patient
from tests.integration.bitmex_adapter_rig import (
    Reply,
    Request,
    Rig,
    approved,
    drop,
    error,
    order_row,
    rig,
    settings,
    until,
)


def placing(reply: Reply) -> Any:
    return lambda request: reply if request.is_placing else None


def test_an_order_goes_out_exactly_as_approved() -> None:
    async def main() -> None:
        async with rig() as r:
            update = await r.venue.submit(
                r.approved("plan-1", "60000.10", side=Side.SELL, reduce_only=True, quantity=12_300)
            )
            assert isinstance(update, OrderUpdate)
            assert (update.client_order_id, update.status) == ("plan-1", OrderStatus.NEW)
            (request,) = r.http.requests
            assert request.fields == {
                "symbol": "XBTUSD",
                "clOrdID": "plan-1",
                "side": "Sell",
                "orderQty": 12_300,
                "ordType": "Limit",
                "price": Decimal("60000.10"),
                "timeInForce": "ImmediateOrCancel",
                "execInst": "ReduceOnly",
            }
            assert '"price":60000.10,' in request.body  # digits as they were given, no quotes, no float
            lead = int(request.headers["api-expires"]) - patient.Clock().now().timestamp()
            assert 10 < lead <= 15  # an order lost in the network dies soon

    patient.run(main())


@pytest.mark.parametrize(
    ("reply", "expected", "code"),
    [
        (
            error(400, "Account has insufficient Available Balance, 5929700 XBt required"),
            Refused,
            "HTTPError",
        ),
        (error(400, "Invalid price tickSize", "ValidationError"), Refused, "ValidationError"),
        (error(401, "Signature not valid."), Refused, "HTTPError"),
        (error(403, "Access Denied"), Refused, "HTTPError"),
        (error(404, "Not Found"), Refused, "HTTPError"),
        (error(429, "Rate limit exceeded, retry in 1 seconds."), Throttled, "HTTPError"),
        (error(400, "Duplicate clOrdID"), OutcomeUnknown, "DUPLICATE_CLIENT_ID"),
        (
            error(503, "The system is currently overloaded. Please try again later."),
            OutcomeUnknown,
            "HTTPError",
        ),
        (error(500, "Server Error"), OutcomeUnknown, "HTTPError"),
        (error(408, "Request Timeout"), OutcomeUnknown, "HTTPError"),
        (Reply(502, "<html>Bad Gateway</html>"), OutcomeUnknown, ""),
        (Reply(504, "<html>Gateway Timeout</html>"), OutcomeUnknown, ""),
        (Reply(403, "<html>Who are you?</html>"), OutcomeUnknown, ""),
        (Reply(400, {"error": "not as described"}), OutcomeUnknown, ""),
        (Reply(200, "<html>hello</html>"), OutcomeUnknown, ""),
        (Reply(200, ""), OutcomeUnknown, ""),
        (Reply(200, "{ not json"), OutcomeUnknown, ""),
        (Reply(200, []), OutcomeUnknown, ""),
        (Reply(200, order_row("p1", ordStatus="Dreaming")), OutcomeUnknown, ""),
        (Reply(200, order_row("somebody-else")), OutcomeUnknown, ""),
        (Reply(307, "", {"Location": "/api/v1/order"}), OutcomeUnknown, ""),
        (Reply(302, "", {"Location": "/api/v1/order"}), OutcomeUnknown, ""),
        (drop(), OutcomeUnknown, ""),
        (Reply(200, order_row("p1"), cut=40), OutcomeUnknown, ""),
        (Reply(200, order_row("p1"), cut=200), OutcomeUnknown, ""),
        (Reply(200, order_row("p1"), pause=2.0), OutcomeUnknown, ""),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_an_order_is_sent_once_and_its_failure_named_by_what_is_known(
    reply: Reply, expected: type[VenueError], code: str
) -> None:
    async def main() -> None:
        async with rig(order_wait=0) as r:
            r.http.script = placing(reply)
            with pytest.raises(expected) as caught:
                await r.venue.submit(r.approved())
            assert type(caught.value) is expected
            assert caught.value.code == code
            await asyncio.sleep(0.1)  # time for a second one, if anybody were to send it
            assert len(r.http.placed) == 1

    patient.run(main())


def test_a_kept_connection_that_drops_gets_no_second_request() -> None:
    """aiohttp by itself would send the DELETE and the GET again; the retries are ours, and counted."""

    async def main() -> None:
        async with rig(attempts=1) as r:
            await r.venue.submit(r.approved())
            r.http.requests.clear()
            r.http.script = lambda request: drop()
            instrument = r.venue.instrument("XBTUSD").id
            with pytest.raises(Unreachable):
                await r.venue.cancel(instrument, "p1")
            assert len(r.http.requests) == 1
            r.http.script = lambda request: None
            await r.venue.submit(r.approved("p2"))
            r.http.requests.clear()
            r.http.script = lambda request: drop()
            with pytest.raises(Unreachable):
                await r.venue.order(instrument, "p1")
            assert len(r.http.requests) == 1

    patient.run(main())


def test_an_order_that_finds_nobody_listening_was_not_sent() -> None:
    async def main() -> None:
        async with rig() as r:
            await r.http.stop()
            await asyncio.sleep(0.05)  # until the kept connection is seen to be closed
            with pytest.raises(NotSent):
                await r.venue.submit(r.approved())

    patient.run(main())


def test_before_connecting_and_after_closing_nothing_is_sent() -> None:
    async def main() -> None:
        async with rig() as r:
            order = r.approved()
            await r.venue.close()
            await r.venue.close()
            with pytest.raises(NotSent):
                await r.venue.submit(order)
            with pytest.raises(Unreachable):
                await r.venue.cancel(order.request.instrument, "p1")
            with pytest.raises(Unreachable):
                await r.venue.account()
            assert r.http.requests == []
            stranger = BitmexVenue(settings(1, 1, name="elsewhere"), patient.Clock())
            with pytest.raises(Refused) as caught:
                await stranger.submit(order)
            assert caught.value.code == "ORDER_INSTRUMENT"

    patient.run(main())


def test_what_bitmex_does_not_have_is_refused_before_it_is_sent() -> None:
    async def main() -> None:
        async with rig() as r:
            late = patient.Clock().now().replace(year=2030)
            order = r.approved(time_in_force=TimeInForce.GTD, expires_at=late)
            with pytest.raises(Refused) as caught:
                await r.venue.submit(order)
            assert caught.value.code == "ORDER_TIME_IN_FORCE"
            assert r.http.requests == []

    patient.run(main())


def test_a_spent_budget_throttles_orders_at_once_and_still_cancels() -> None:
    async def main() -> None:
        async with rig(orders_per_second=3, kept_for_cancels=1, order_wait=0) as r:
            await r.venue.submit(r.approved("a"))
            await r.venue.submit(r.approved("b"))
            with pytest.raises(Throttled) as caught:
                await r.venue.submit(r.approved("c"))
            assert caught.value.code == "BUDGET"
            assert len(r.http.placed) == 2
            r.http.script = lambda request: Reply(body=[order_row("a", ordStatus="Canceled", leavesQty=0)])
            await r.venue.cancel(r.venue.instrument("XBTUSD").id, "a")
            assert len(r.http.of("DELETE", "/api/v1/order")) == 1

    patient.run(main())


def test_after_a_429_nothing_is_sent_until_the_venue_wants_it() -> None:
    async def main() -> None:
        async with rig(order_wait=0) as r:
            r.http.script = placing(error(429, "Rate limit exceeded, retry in 1 seconds.", retry_after="1"))
            with pytest.raises(Throttled):
                await r.venue.submit(r.approved("a"))
            r.http.script = lambda request: None
            with pytest.raises(Throttled):
                await r.venue.submit(r.approved("b"))
            assert len(r.http.placed) == 1
            await asyncio.sleep(1.0)
            await r.venue.submit(r.approved("c"))

    patient.run(main())


def test_after_a_503_the_next_order_waits_half_a_second_and_a_cancel_does_not() -> None:
    async def main() -> None:
        async with rig() as r:
            r.http.script = placing(error(503, "The system is currently overloaded. Please try again later."))
            with pytest.raises(OutcomeUnknown):
                await r.venue.submit(r.approved("a"))
            r.http.script = lambda request: (
                Reply(body=[order_row("a", ordStatus="Canceled", leavesQty=0)])
                if request.verb == "DELETE"
                else None
            )
            await r.venue.cancel(r.venue.instrument("XBTUSD").id, "a")
            await r.venue.submit(r.approved("b"))
            refused, cancel, placed = r.http.requests
            assert cancel.at - refused.at < 0.4
            assert 0.5 <= placed.at - refused.at < 1.0
            assert placed.fields["clOrdID"] == "b"

    patient.run(main())


async def cancelled(r: Rig, *replies: Reply) -> list[Request]:
    """Cancel p1, the venue answering the DELETEs with ``replies`` in turn; return what was asked."""
    left = list(replies)
    r.http.script = lambda request: left.pop(0) if request.verb == "DELETE" else None
    await r.venue.cancel(r.venue.instrument("XBTUSD").id, "p1")
    return r.http.requests


def test_a_cancel_names_the_order_and_tells_what_became_of_it() -> None:
    async def main() -> None:
        async with rig() as r:
            row = order_row("p1", ordStatus="Canceled", leavesQty=0, text="Canceled: Canceled via API.")
            (request,) = await cancelled(r, Reply(body=[row]))
            assert (request.verb, request.fields) == ("DELETE", {"clOrdID": "p1"})
            update = r.events[-1]
            assert isinstance(update, OrderUpdate)
            assert update.status is OrderStatus.CANCELED

    patient.run(main())


def test_a_cancel_is_asked_again_until_it_is_answered() -> None:
    async def main() -> None:
        async with rig() as r:
            row = order_row("p1", ordStatus="Canceled", leavesQty=0)
            overloaded = error(503, "The system is currently overloaded. Please try again later.")
            asked = await cancelled(r, drop(), overloaded, Reply(body=[row]))
            assert len(asked) == 3

    patient.run(main())


def test_a_cancel_of_a_filled_order_is_no_error() -> None:
    async def main() -> None:
        async with rig() as r:
            fault = {"error": "Unable to cancel order due to existing state: Filled"}
            row = order_row("p1", ordStatus="Filled", cumQty=1000, leavesQty=0)
            await cancelled(r, Reply(body=[row | fault]))
            update = r.events[-1]
            assert isinstance(update, OrderUpdate)
            assert (update.status, update.filled) == (OrderStatus.FILLED, 1000)

    patient.run(main())


@pytest.mark.parametrize(
    ("known", "is_error"),
    [([order_row("p1", ordStatus="Canceled", leavesQty=0)], False), ([order_row("p1")], True), ([], True)],
)
def test_a_bare_cancel_failure_is_held_against_the_order_itself(
    known: list[dict[str, Any]], is_error: bool
) -> None:
    async def main() -> None:
        async with rig() as r:

            def script(request: Request) -> Reply | None:
                if request.verb == "DELETE":
                    return Reply(body=[{"orderID": "venue-p1", "error": "Unable to cancel order"}])
                assert request.query["filter"] == '{"clOrdID": "p1"}'
                return Reply(body=known)

            r.http.script = script
            instrument = r.venue.instrument("XBTUSD").id
            if is_error:
                with pytest.raises(Refused, match="Unable to cancel order"):
                    await r.venue.cancel(instrument, "p1")
            else:
                await r.venue.cancel(instrument, "p1")
                assert isinstance(r.events[-1], OrderUpdate)

    patient.run(main())


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (error(404, "Not Found"), Refused),
        (Reply(body=[]), Refused),
        (drop(), Unreachable),
        (error(503, "The system is currently overloaded. Please try again later."), Unreachable),
        (Reply(200, "<html>"), Unreachable),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_a_cancel_that_fails(reply: Reply, expected: type[Exception]) -> None:
    async def main() -> None:
        async with rig() as r:
            r.http.script = lambda request: reply if request.verb == "DELETE" else Reply(body=[])
            with pytest.raises(expected):
                await r.venue.cancel(r.venue.instrument("XBTUSD").id, "p1")

    patient.run(main())


def test_the_dead_mans_switch_speaks_milliseconds_and_is_refreshed_only_while_armed() -> None:
    async def main() -> None:
        async with rig() as r:
            r.http.script = lambda request: Reply(body={"now": "x", "cancelTime": "y"})
            for seconds in (0, 15, 60, 4_999):
                with pytest.raises(ValueError, match="milliseconds"):
                    await r.venue.arm_dead_mans_switch(seconds)
            assert r.http.requests == []
            await r.venue.arm_dead_mans_switch(60_000)
            await r.venue.arm_dead_mans_switch(5_000)
            await asyncio.sleep(1.4)
            told = r.http.of("POST", "/api/v1/order/cancelAllAfter")
            assert [request.body for request in told] == [
                '{"timeout":60000}',
                '{"timeout":5000}',
                '{"timeout":5000}',
            ]
            assert told[2].at - told[1].at == pytest.approx(1.25, abs=0.15)
            await r.venue.disarm_dead_mans_switch()
            await asyncio.sleep(1.4)
            told = r.http.of("POST", "/api/v1/order/cancelAllAfter")
            assert [request.body for request in told[3:]] == ['{"timeout":0}']

    patient.run(main())


def test_arming_and_disarming_at_once_ends_as_the_last_was_asked() -> None:
    async def main() -> None:
        async with rig() as r:
            told = []

            def slow(request: Request) -> Reply:
                told.append(request.fields["timeout"])
                # The first word takes long: what is asked for meanwhile must not overtake it.
                return Reply(body={"now": "x"}, pause=0.2 if len(told) == 1 else 0)

            r.http.script = slow
            await asyncio.gather(
                r.venue.arm_dead_mans_switch(5_000),
                r.venue.arm_dead_mans_switch(5_000),
                r.venue.disarm_dead_mans_switch(),
            )
            # Nor does anything go on refreshing what has been disarmed.
            await asyncio.sleep(1.5)
            assert told == [5_000, 5_000, 0]

    patient.run(main())


def test_a_refresh_on_its_way_is_waited_for_before_the_switch_is_disarmed() -> None:
    async def main() -> None:
        async with rig() as r:
            r.http.script = lambda request: Reply(body={"now": "x"}, pause=0.2)
            await r.venue.arm_dead_mans_switch(5_000)
            await until(lambda: len(r.http.requests) == 2)
            await r.venue.disarm_dead_mans_switch()
            armed, refreshed, disarmed = r.http.requests
            assert [one.fields["timeout"] for one in (armed, refreshed, disarmed)] == [5_000, 5_000, 0]
            # Two words at once could arrive the other way round, and the switch would take the stops.
            assert disarmed.at - refreshed.at >= 0.15

    patient.run(main())


def test_an_order_is_on_the_wire_within_milliseconds_of_the_call() -> None:
    async def main() -> None:
        async with rig(orders_per_second=100) as r:
            delays = []
            for number in range(40):
                order = approved(r.venue, f"p{number}")
                began = patient.Clock().monotonic()
                await r.venue.submit(order)
                delays.append(r.http.placed[-1].at - began)
            median = sorted(delays)[20]
            print(
                f"submit to order bytes at the server: median {median * 1e3:.2f} ms, best {min(delays) * 1e3:.2f}"
            )
            assert median < 0.025  # on a busy machine; it is about a millisecond

    patient.run(main())
