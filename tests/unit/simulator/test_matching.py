"""Orders meeting the book."""

from datetime import timedelta

import pytest

from adapters.simulator.exchange.events import (
    AccountChanged,
    BookChanged,
    Executed,
    OrderChanged,
    PositionChanged,
)
from adapters.simulator.exchange.orders import Liquidity, Side, Status, Tif
from adapters.simulator.exchange.refusal import ExchangeRefusal, RefusalCode
from adapters.simulator.exchange.views import BookLevel
from tests.unit.simulator.support import START, Bench, dollars, inverse_bench, levels, linear_bench


def fills(bench: Bench, account: str = "me") -> list[tuple[int, int]]:
    return [(one.quantity, one.price // 100) for one in bench.exchange.executions(account)]


def test_an_order_walks_the_levels_with_an_execution_each() -> None:
    bench = inverse_bench()
    bench.market(levels((19_990, 500)), levels((20_000, 1_000), (20_010, 2_000), (20_020, 5_000)))
    order = bench.place(Side.BUY, 4_000, 20_020)
    assert (order.status, order.cum, order.leaves) == (Status.FILLED, 4_000, 0)
    assert fills(bench) == [(1_000, 20_000), (2_000, 20_010), (1_000, 20_020)]
    assert len({one.exec_id for one in bench.exchange.executions("me")}) == 3
    assert order.average_price_e4 == (1_000 * 20_000 + 2_000 * 20_010 + 1_000 * 20_020) * 1_000_000 // 4_000


def test_what_is_taken_stays_taken_until_the_market_moves() -> None:
    bench = inverse_bench()
    bench.market([], levels((20_000, 1_000), (20_010, 2_000)))
    bench.place(Side.BUY, 1_500, 20_010)
    assert bench.exchange.book("XBTUSD").asks == (BookLevel(dollars(20_010), 1_500),)
    bench.market([], levels((20_000, 1_000)))
    assert bench.exchange.book("XBTUSD").asks == (BookLevel(dollars(20_000), 1_000),)


def test_an_ioc_order_fills_what_it_can_and_cancels_the_rest() -> None:
    bench = inverse_bench()
    bench.market([], levels((20_000, 1_000), (20_010, 2_000)))
    order = bench.place(Side.BUY, 4_000, 20_000)
    assert (order.status, order.cum, order.leaves) == (Status.CANCELED, 1_000, 0)
    assert bench.exchange.orders("me", live_only=True) == []
    assert bench.exchange.book("XBTUSD").bids == ()


def test_fill_or_kill_is_all_or_nothing() -> None:
    bench = inverse_bench()
    bench.market([], levels((20_000, 1_000), (20_010, 2_000)))
    killed = bench.place(Side.BUY, 3_100, 20_010, Tif.FOK)
    assert (killed.status, killed.cum) == (Status.CANCELED, 0)
    assert bench.place(Side.BUY, 3_000, 20_010, Tif.FOK).status is Status.FILLED


def test_a_remainder_rests_and_fills_only_when_traded_through() -> None:
    bench = inverse_bench()
    bench.market(levels((19_990, 500)), levels((20_000, 1_000)))
    order = bench.place(Side.BUY, 3_000, 20_000, Tif.GTC)
    assert (order.status, order.leaves) == (Status.PARTIALLY_FILLED, 2_000)
    bench.market(levels((19_990, 500)), levels((20_000, 9_000)))  # touched, not through
    assert bench.exchange.order("me", order.order_id) == order
    assert bench.exchange.book("XBTUSD").asks == ()  # nobody stands where they would have traded
    bench.market([], levels((19_980, 700), (19_999.9, 800), (20_000, 9_000)))
    after = bench.exchange.order("me", order.order_id)
    assert after is not None
    assert after.leaves == 500
    passive = bench.exchange.executions("me")[1:]
    assert [(one.quantity, one.price, one.liquidity) for one in passive] == [
        (700, dollars(20_000), Liquidity.MAKER),
        (800, dollars(20_000), Liquidity.MAKER),
    ]


def test_resting_orders_trade_by_price_and_then_time() -> None:
    bench = inverse_bench()
    for quantity, price in ((100, 19_990), (200, 20_000), (300, 20_000)):
        bench.place(Side.BUY, quantity, price, Tif.GTC)
    bench.market([], levels((19_000, 350)))
    assert fills(bench) == [(200, 20_000), (150, 20_000)]


def test_another_client_takes_a_resting_order() -> None:
    bench = inverse_bench()
    bench.exchange.open_account("you")
    bench.exchange.deposit("you", 10**9)
    resting = bench.place(Side.SELL, 1_000, 20_000, Tif.GTC)
    bench.market(levels((19_990, 100)), levels((20_000, 300), (20_010, 900)))
    taken = bench.place(Side.BUY, 1_500, 20_010, account="you")
    assert taken.cum == 1_500
    assert fills(bench, "you") == [
        (300, 20_000),
        (1_000, 20_000),
        (200, 20_010),
    ]  # the market stood there first
    after = bench.exchange.order("me", resting.order_id)
    assert after is not None
    assert after.status is Status.FILLED


def test_an_account_never_trades_with_itself() -> None:
    bench = inverse_bench()
    resting = bench.place(Side.SELL, 1_000, 20_000, Tif.GTC)
    bench.place(Side.BUY, 400, 20_000)
    ended = bench.exchange.order("me", resting.order_id)
    assert ended is not None
    assert (ended.status, ended.reason) == (Status.CANCELED, "Self-match prevention")
    assert fills(bench) == []


def test_a_crossing_post_only_order_is_canceled_and_not_refused() -> None:
    bench = inverse_bench()
    bench.market(levels((19_990, 500)), levels((20_000, 1_000)))
    crossing = bench.place(Side.BUY, 500, 20_000, Tif.GTC, post_only=True)
    assert crossing.status is Status.CANCELED
    assert "ParticipateDoNotInitiate" in crossing.reason
    assert bench.place(Side.BUY, 500, 19_999, Tif.GTC, post_only=True).status is Status.NEW


def test_reduce_only_stops_at_flat() -> None:
    bench = inverse_bench()
    bench.trade(Side.BUY, 1_000, 20_000)
    bench.market(levels((19_990, 9_000)), [])
    order = bench.place(Side.SELL, 5_000, 19_990, reduce_only=True)
    assert (order.cum, bench.contracts) == (1_000, 0)
    useless = bench.place(Side.SELL, 5_000, 19_990, reduce_only=True)
    assert (useless.status, useless.cum) == (Status.CANCELED, 0)
    assert bench.place(Side.BUY, 100, 19_990, reduce_only=True).status is Status.CANCELED


def test_resting_reduce_only_orders_shrink_with_the_position() -> None:
    bench = inverse_bench()
    bench.trade(Side.BUY, 1_000, 20_000)
    plain = bench.place(Side.SELL, 700, 20_100, Tif.GTC)
    first = bench.place(Side.SELL, 1_000, 20_110, Tif.GTC, reduce_only=True)
    second = bench.place(Side.SELL, 1_000, 20_120, Tif.GTC, reduce_only=True)
    assert second.status is Status.CANCELED  # the first leaves it nothing
    bench.market(levels((20_200, 5_000)), [])
    after = [bench.exchange.order("me", one.order_id) for one in (plain, first)]
    assert [(one.cum, one.status) for one in after if one] == [(700, Status.FILLED), (300, Status.FILLED)]
    assert bench.contracts == 0


def test_events_come_in_the_promised_order() -> None:
    bench = inverse_bench()
    bench.market([], levels((20_000, 1_000), (20_010, 2_000)))
    bench.events.clear()
    bench.place(Side.BUY, 4_000, 20_010)
    assert [type(event) for event in bench.events] == [
        OrderChanged,
        Executed,
        OrderChanged,
        Executed,
        OrderChanged,
        OrderChanged,
        PositionChanged,
        AccountChanged,
        BookChanged,
    ]
    last = bench.events[5]
    assert isinstance(last, OrderChanged)
    assert last.order.status is Status.CANCELED


def test_a_listener_may_trade_and_everybody_hears_it_in_order() -> None:
    bench = inverse_bench()
    bench.market([], levels((20_000, 5_000)))
    seen: list[tuple[str, int]] = []

    def answer(event: object) -> None:
        if isinstance(event, Executed) and event.execution.client_id == "one":
            bench.place(Side.BUY, 200, 20_000, client_id="two")

    def note(event: object) -> None:
        if isinstance(event, OrderChanged):
            seen.append((event.order.client_id, event.order.cum))

    bench.exchange.subscribe(answer)
    bench.exchange.subscribe(note)
    bench.place(Side.BUY, 100, 20_000, client_id="one")
    assert seen == [("one", 0), ("one", 100), ("two", 0), ("two", 200)]


def test_cancel_and_its_refusals() -> None:
    bench = inverse_bench()
    order = bench.place(Side.BUY, 100, 19_000, Tif.GTC)
    assert bench.exchange.cancel("me", order.order_id).status is Status.CANCELED
    assert bench.exchange.book("XBTUSD").bids == ()
    for order_id, code in ((order.order_id, RefusalCode.ORDER_FINAL), ("no", RefusalCode.UNKNOWN_ORDER)):
        with pytest.raises(ExchangeRefusal) as refused:
            bench.exchange.cancel("me", order_id)
        assert refused.value.code is code
    bench.exchange.open_account("you")
    mine = bench.place(Side.BUY, 100, 19_000, Tif.GTC)
    with pytest.raises(ExchangeRefusal):
        bench.exchange.cancel("you", mine.order_id)


def test_cancel_all_can_be_held_to_one_symbol() -> None:
    bench = inverse_bench()
    for price in (19_000, 19_010):
        bench.place(Side.BUY, 100, price, Tif.GTC)
    assert bench.exchange.cancel_all("me", "XBTZ26") == []
    assert len(bench.exchange.cancel_all("me")) == 2
    assert bench.exchange.orders("me", live_only=True) == []


def test_amend_moves_an_order_and_may_trade_it() -> None:
    bench = inverse_bench()
    bench.market(levels((19_000, 500)), levels((20_000, 300)))
    order = bench.place(Side.BUY, 500, 19_500, Tif.GTC)
    moved = bench.exchange.amend("me", order.order_id, price=dollars(20_000))
    assert (moved.cum, moved.leaves, moved.order_id) == (300, 200, order.order_id)
    with pytest.raises(ExchangeRefusal) as refused:
        bench.exchange.amend("me", order.order_id, quantity=300)
    assert refused.value.code is RefusalCode.QUANTITY
    bench.exchange.amend("me", order.order_id, quantity=400)
    assert bench.exchange.book("XBTUSD").bids[0] == BookLevel(dollars(20_000), 100)


@pytest.mark.parametrize(
    ("quantity", "price", "code"),
    [
        (150, 20_000, RefusalCode.LOT),
        (0, 20_000, RefusalCode.QUANTITY),
        (-100, 20_000, RefusalCode.QUANTITY),
        (20_000_000, 20_000, RefusalCode.QUANTITY),
        (100, 20_000.05, RefusalCode.TICK),
        (100, 0, RefusalCode.PRICE),
        (100, 2_000_000, RefusalCode.PRICE),
    ],
)
def test_orders_that_do_not_fit_the_contract_are_refused(
    quantity: int, price: float, code: RefusalCode
) -> None:
    bench = inverse_bench()
    with pytest.raises(ExchangeRefusal) as refused:
        bench.place(Side.BUY, quantity, price)
    assert refused.value.code is code
    assert bench.exchange.orders("me") == []
    assert bench.events == []


def test_a_client_id_is_good_for_one_order_where_the_venue_says_so() -> None:
    bench = inverse_bench()
    first = bench.place(Side.BUY, 100, 19_000, Tif.GTC, client_id="a")
    bench.exchange.cancel("me", first.order_id)
    with pytest.raises(ExchangeRefusal) as refused:
        bench.place(Side.BUY, 100, 19_000, client_id="a")
    assert refused.value.code is RefusalCode.DUPLICATE_CLIENT_ID
    broker = linear_bench()
    broker.place(Side.BUY, 1, 80_000, Tif.GTC, client_id="a")
    second = broker.place(Side.BUY, 1, 80_000, Tif.GTC, client_id="a")
    assert broker.exchange.order_by_client_id("me", "a") == second
    assert len(broker.exchange.orders("me")) == 2


def test_the_number_of_open_orders_is_limited() -> None:
    bench = linear_bench()
    for _ in range(20):
        bench.place(Side.BUY, 1, 8_000, Tif.GTC)
    with pytest.raises(ExchangeRefusal) as refused:
        bench.place(Side.BUY, 1, 8_000, Tif.GTC)
    assert refused.value.code is RefusalCode.TOO_MANY_ORDERS
    bench.place(Side.SELL, 1, 90_000, Tif.GTC)


def test_gtd_orders_end_by_themselves() -> None:
    bench = linear_bench()
    until = START + timedelta(seconds=5)
    order = bench.place(Side.BUY, 1, 80_000, Tif.GTD, expires_at=until)
    bench.clock.advance(timedelta(seconds=4.9))
    bench.exchange.step()
    assert bench.exchange.orders("me", live_only=True) == [order]
    bench.clock.advance(timedelta(seconds=0.1))
    bench.exchange.step()
    ended = bench.exchange.order("me", order.order_id)
    assert ended is not None
    assert (ended.status, ended.reason) == (Status.CANCELED, "Expired")
    for expires_at in (START, None):
        with pytest.raises(ExchangeRefusal) as refused:
            bench.place(Side.BUY, 1, 80_000, Tif.GTD, expires_at=expires_at)
        assert refused.value.code is RefusalCode.EXPIRES_AT


def test_the_dead_mans_switch_cancels_everything_once() -> None:
    bench = inverse_bench()
    bench.place(Side.BUY, 100, 19_000, Tif.GTC)
    bench.exchange.cancel_all_after("me", timedelta(seconds=60))
    bench.clock.advance(timedelta(seconds=59))
    bench.exchange.step()
    assert bench.exchange.cancel_all_after("me", timedelta(seconds=60)) == START + timedelta(seconds=119)
    bench.clock.advance(timedelta(seconds=59))
    bench.exchange.step()
    assert len(bench.exchange.orders("me", live_only=True)) == 1
    bench.clock.advance(timedelta(seconds=1))
    bench.exchange.step()
    assert bench.exchange.orders("me", live_only=True) == []
    bench.place(Side.BUY, 100, 19_000, Tif.GTC)
    bench.clock.advance(timedelta(hours=1))
    bench.exchange.step()
    assert len(bench.exchange.orders("me", live_only=True)) == 1
    with pytest.raises(ExchangeRefusal):
        linear_bench().exchange.cancel_all_after("me", timedelta(seconds=60))


@pytest.mark.parametrize(("post_only", "reduce_only"), [(True, False), (False, True)])
def test_the_broker_has_neither_post_only_nor_reduce_only(post_only: bool, reduce_only: bool) -> None:
    bench = linear_bench()
    with pytest.raises(ExchangeRefusal) as refused:
        bench.place(Side.BUY, 1, 80_000, Tif.GTC, post_only=post_only, reduce_only=reduce_only)
    assert refused.value.code is RefusalCode.NOT_SUPPORTED


def test_an_expired_contract_takes_no_orders() -> None:
    bench = linear_bench()
    bench.clock.advance(timedelta(days=31, hours=7))  # 2026-12-24 16:00
    with pytest.raises(ExchangeRefusal) as refused:
        bench.place(Side.BUY, 1, 80_000)
    assert refused.value.code is RefusalCode.EXPIRED_CONTRACT
