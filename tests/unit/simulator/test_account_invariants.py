"""Whatever happens to an account: no money is made or lost, and no position outlives its margin."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.simulator.exchange.funding import FundingSchedule
from adapters.simulator.exchange.orders import NewOrder, Side, TriggerKind
from adapters.simulator.exchange.refusal import ExchangeRefusal
from adapters.simulator.exchange.views import CashKind
from tests.unit.simulator.support import XBT, Bench, inverse_bench, levels

ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("trade"), st.sampled_from(Side), st.integers(1, 4_000)),
        st.tuples(st.just("stop"), st.sampled_from(Side), st.integers(1, 4_000)),
        st.tuples(st.just("move"), st.integers(-250, 250), st.integers(100, 1_000_000)),
        st.tuples(st.just("leverage"), st.sampled_from((0, 100, 500, 2_500, 10_000)), st.none()),
        st.tuples(st.just("transfer"), st.integers(-XBT, XBT), st.none()),
        st.tuples(st.just("deleverage"), st.integers(1, 400_000), st.none()),
        st.tuples(st.just("wait"), st.integers(1, 16), st.none()),
    ),
    max_size=30,
)


class Play:
    def __init__(self) -> None:
        self.bench: Bench = inverse_bench(wallet=2 * XBT, funding=FundingSchedule(rate=375))
        self.price = 20_000
        self.quote(1_000_000)

    def quote(self, depth: int) -> None:
        depth = depth // 100 * 100
        self.bench.market(levels((self.price - 1, depth)), levels((self.price + 1, depth)), index=self.price)
        self.bench.exchange.step()

    def act(self, kind: str, first: object, second: object) -> None:
        exchange = self.bench.exchange
        match kind, first, second:
            case "trade", Side() as side, int(lots):
                exchange.place("me", NewOrder("XBTUSD", side, lots * 100, 0, is_market=True))
            case "stop", Side() as side, int(lots):
                stop = self.price * 100 + side.sign * 10_000
                request = NewOrder(
                    "XBTUSD", side, lots * 100, 0, is_market=True, stop=stop, trigger=TriggerKind.MARK
                )
                exchange.place("me", request)
            case "move", int(permille), int(depth):
                self.price = max(100, self.price * (1_000 + permille) // 1_000)
                self.quote(depth)
            case "leverage", int(leverage), _:
                exchange.set_leverage("me", "XBTUSD", leverage)
            case "transfer", int(amount), _:
                exchange.transfer_margin("me", "XBTUSD", amount)
            case "deleverage", int(quantity), _:
                exchange.deleverage("me", "XBTUSD", quantity)
            case "wait", int(hours), _:
                self.bench.clock.advance(timedelta(hours=hours))
                exchange.step()

    def check(self) -> None:
        exchange = self.bench.exchange
        moved = [one for one in exchange.executions("me") if one.kind.moves_position]
        funding = sum(one.amount for one in exchange.cash("me") if one.kind is CashKind.FUNDING)
        view, account = exchange.position("me", "XBTUSD"), exchange.account("me")
        assert account.wallet == 2 * XBT + sum(one.realised - one.fee for one in moved) + funding
        assert view.contracts == sum(one.side.sign * one.quantity for one in moved)
        assert view.cost + account.wallet == 2 * XBT + sum(one.cost - one.fee for one in moved) + funding
        assert not view.is_due
        assert account.balance >= 0
        if view.contracts == 0:
            assert view.cost == view.maintenance == view.pos_margin == 0


@settings(max_examples=300)
@given(ACTIONS)
def test_money_is_conserved_and_positions_end_in_time(actions: list[tuple[str, object, object]]) -> None:
    play = Play()
    for action in actions:
        try:
            play.act(*action)
        except ExchangeRefusal:
            continue
        finally:
            play.bench.exchange.step()
            play.check()
