"""The ladder of stops, by hand, on the two spreads of DOMAIN.md: 5 XBT behind the inverse leg."""

from decimal import Decimal

import pytest

from risk.instruments import Instrument, InstrumentId
from risk.orders import OrderRequest, Side, TimeInForce
from risk.stops import StopLadder, stop_ladder
from risk.survival import Account
from risk.terms import Kind, Terms

D = Decimal
XBTUSD = Instrument(InstrumentId("bitmex", "XBTUSD"), Terms(Kind.INVERSE, 100, D("0.1"), D(1), 100))
MM, MARGIN = D("0.005"), D("0.01")


def ladder(
    contracts: int = 200_000,
    price: str = "8000",
    excursion: str = "-0.1",
    rungs: int = 3,
    equity: str = "5",
) -> StopLadder | None:
    account = Account(contracts / D(price), D(equity), D(price))
    return stop_ladder(XBTUSD, contracts, account, D(excursion), MM, MARGIN, rungs)


def shown(found: StopLadder | None) -> list[tuple[str, int]]:
    assert found is not None
    return [(f"{rung.trigger:f}", rung.contracts) for rung in found.rungs]


def test_a_long_ladder_runs_from_the_excursion_to_before_the_liquidation() -> None:
    # 200,000 / (5 + 0.995 × 25) = 6,694.56; 1 % above it 6,761.51. −10 % of 8,000 is 7,200; half way 6,980.8.
    found = ladder()
    assert found is not None
    assert shown(found) == [("7200.0", 66_700), ("6980.8", 66_700), ("6761.6", 66_600)]
    assert (found.side, found.limit, found.contracts) == (Side.SELL, D("6694.6"), 200_000)


def test_both_losses_are_told() -> None:
    # 66,700 (1/7,200 − 1/8,000) + 66,700 (1/6,980.8 − 1/8,000) + 66,600 (1/6,761.6 − 1/8,000), in XBT
    found = ladder()
    assert found is not None
    assert found.stopped.quantize(D("0.0001")) == D("3.6684")
    assert found.liquidated == 5


def test_a_short_ladder_is_its_mirror() -> None:
    # 300,000 / (1.005 × 30 − 5) = 11,928.43; 1 % below it 11,809.14. +10 % of 10,000 is 11,000; half way 11,404.55.
    found = ladder(-300_000, "10000", "0.1")
    assert found is not None
    assert shown(found) == [("11000.0", 100_000), ("11404.5", 100_000), ("11809.1", 100_000)]
    assert (found.side, found.limit) == (Side.BUY, D("11928.4"))
    assert found.stopped > 0


def test_without_room_for_a_ladder_all_of_it_rests_on_the_last_rung() -> None:
    # −20 % of 8,000 is 6,400, beyond the liquidation.
    assert shown(ladder(excursion="-0.2")) == [("6761.6", 200_000)]
    assert shown(ladder(rungs=1)) == [("6761.6", 200_000)]


def test_few_lots_make_few_rungs() -> None:
    # 200 contracts on 0.005 XBT: the same prices.
    assert shown(ladder(200, rungs=5, equity="0.005")) == [("7200.0", 100), ("6761.6", 100)]


def test_no_ladder_where_nothing_liquidates_or_it_is_too_late() -> None:
    assert ladder(-200_000, equity="26", excursion="0.1") is None  # fully funded: 1.005 × 25 < 26
    assert ladder(equity="0.2") is None  # liquidated near 7,976: 1 % above it is above the price
    assert ladder(0) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"reduce_only": False}, "only protects"),
        ({"time_in_force": TimeInForce.IOC}, "only protects"),
        ({"post_only": True}, "only protects"),
        ({"price": D(7300)}, "could not trade"),
        ({"trigger": D(0)}, "positive"),
    ],
)
def test_a_stop_that_could_open_or_never_trade_is_no_order(changes: dict[str, object], said: str) -> None:
    fields: dict[str, object] = {
        "client_order_id": "stop1-01s-001",
        "instrument": XBTUSD.id,
        "side": Side.SELL,
        "quantity": 100,
        "price": D(6700),
        "time_in_force": TimeInForce.GTC,
        "reduce_only": True,
        "trigger": D(7200),
    }
    OrderRequest(**fields)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=said):
        OrderRequest(**(fields | changes))  # type: ignore[arg-type]
