"""How far a liquidation is, and what would keep it away: against DOMAIN.md, section 3, and the exchange's own word."""

from datetime import timedelta
from decimal import Decimal

import pytest

from adapters.simulator.exchange.views import AccountView, PositionView
from bot.runtime.replay.margins import MarginWatch, lacking, stand
from tests.unit.simulator.support import START

XBT = 10**8
USD = 10**8


def inverse(contracts: int, entry: int, mark: int, wallet: int) -> tuple[AccountView, PositionView]:
    """A cross position in satoshi, at 0.5 % maintenance; liquidation by DOMAIN.md's formula."""
    cost, value = contracts * XBT // entry, contracts * XBT // mark
    sign = 1 if contracts > 0 else -1
    size, worth = Decimal(abs(contracts)), Decimal(abs(contracts)) / entry
    backing = Decimal(wallet) / XBT
    below = sign * backing + (1 - sign * Decimal("0.005")) * worth
    liquidation = int(size / below * 100)
    maintenance = abs(cost) // 200
    view = PositionView(
        "a", "XBTUSD", contracts, cost, value, cost - value, 0, maintenance, Decimal(entry), mark * 100, START,
        liquidation=liquidation,
    )  # fmt: skip
    balance = wallet + cost - value
    return AccountView("a", "XBT", wallet, cost - value, balance, 0, maintenance, 0, START), view


def linear(lots: int, price: int, balance: int, rate: Decimal) -> tuple[AccountView, PositionView]:
    value = lots * price * USD // 10
    maintenance = int(abs(value) * rate)
    view = PositionView(
        "b", "MBTZ9", lots, value, value, 0, 0, maintenance, Decimal(price), price * 100, START
    )
    return AccountView("b", "USD", balance, 0, balance, 0, maintenance, 0, START), view


@pytest.mark.parametrize(
    ("contracts", "away"),
    # Golden: the spreads of DOMAIN.md, section 2, go at 6,694.56 and 11,928.43.
    [(200_000, (8_000 - 6_694.56) / 8_000), (-300_000, (11_928.43 - 10_000) / 10_000)],
)
def test_an_inverse_position_by_the_golden_prices(contracts: int, away: float) -> None:
    entry = 8_000 if contracts > 0 else 10_000
    account, view = inverse(contracts, entry, entry, 5 * XBT)
    distance = stand("v", account, [view]).distance
    assert distance is not None
    assert float(distance) == pytest.approx(away, abs=1e-5)


def test_a_short_at_the_broker() -> None:
    """10 XBT short at 8,000, 100 % margin, 100,000 USD: 80,000 × (1 + g) + 80,000 × g = 100,000."""
    account, view = linear(-100, 8_000, 100_000 * USD, Decimal(1))
    assert stand("v", account, [view]).distance == Decimal("0.125")


def test_a_long_at_the_broker() -> None:
    """10 XBT long at 8,000, 50 % margin, 60,000 USD: 60,000 − 80,000 g = 40,000 (1 − g)."""
    account, view = linear(100, 8_000, 60_000 * USD, Decimal("0.5"))
    assert stand("v", account, [view]).distance == Decimal("0.5")


def test_nothing_held_is_no_distance() -> None:
    account, _ = linear(0, 8_000, 60_000 * USD, Decimal("0.5"))
    assert stand("v", account, []).distance is None


@pytest.mark.parametrize("contracts", [200_000, -200_000])
def test_what_lacks_brings_the_liquidation_where_it_was_wanted(contracts: int) -> None:
    _, view = inverse(contracts, 8_000, 8_000, 2 * XBT)
    more = lacking([view], Decimal(2), Decimal(2), Decimal("0.4"))
    assert more > 0
    richer, held = inverse(contracts, 8_000, 8_000, 2 * XBT + int(more * XBT))
    distance = stand("v", richer, [held]).distance
    assert distance is not None
    assert float(distance) == pytest.approx(0.4, abs=1e-4)


def test_what_lacks_at_the_broker() -> None:
    _, view = linear(-100, 8_000, 100_000 * USD, Decimal(1))
    more = lacking([view], Decimal(100_000), Decimal(100_000), Decimal("0.4"))
    richer, held = linear(-100, 8_000, int((100_000 + more) * USD), Decimal(1))
    assert stand("v", richer, [held]).distance == Decimal("0.4")


def test_a_need_lasts_until_the_price_has_come_back_for_good() -> None:
    watch = MarginWatch(Decimal("0.2"))
    for hour, cash in enumerate((200_000, 110_000, 100_000, 113_000, 118_000, 200_000)):
        account, view = linear(-100, 8_000, cash * USD, Decimal(1))
        from_then = AccountView(
            **{name: getattr(account, name) for name in account.__slots__}
            | {"at": START + timedelta(hours=hour)}
        )
        watch.look(from_then, [view], "cme", Decimal(8_000))
    [need] = watch.needs
    assert (need.since, need.worst_at, need.until) == tuple(START + timedelta(hours=one) for one in (1, 2, 5))
    assert need.worst - need.first == 10_000
    low = watch.lows["cme", "distance to liquidation"]
    assert (low.figure, low.at) == (Decimal("12.5"), START + timedelta(hours=2))
    assert watch.lows["cme", "excess over maintenance margin"].figure == 20_000
