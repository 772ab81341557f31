"""Both spreads of the guides on the exchange core: opened at their prices, one jump, P&L as the tables say."""

import pytest

from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.orders import NewOrder, Side
from tests.unit.simulator.spreads import (
    INVERSE_WALLET,
    LINEAR_CASH,
    SPREAD_ALONE,
    SPREADS,
    WITH_HEDGE,
    Spread,
    inverse_exchange,
    jump,
    linear_exchange,
    offer,
)
from tests.unit.simulator.support import USD, XBT, ManualClock

CASES = [(name, *row) for name, spread in SPREADS.items() for row in spread.table]


def take(exchange: Exchange, side: Side, quantity: int, price: int) -> None:
    offer(exchange, side, price)
    assert (
        exchange.place("me", NewOrder(exchange.specs()[0].symbol, side, quantity, price * 100)).cum
        == quantity
    )


def profits(spread: Spread, price: int, *, hedged: bool) -> tuple[int, int]:
    """Return the inverse venue's P&L (satoshi) and the broker's (units of USD) after a jump to ``price``."""
    clock = ManualClock()
    inverse, linear = inverse_exchange(clock, "me"), linear_exchange(clock, "me", (2026, 12))
    take(inverse, spread.inverse_side, spread.inverse_contracts, spread.inverse_price)
    take(linear, spread.linear_side, spread.linear_contracts, spread.linear_price)
    if hedged and spread.hedge_inverse:
        take(inverse, Side.SELL, spread.hedge_inverse, spread.inverse_price)
    if hedged and spread.hedge_linear:
        take(linear, Side.SELL, spread.hedge_linear, spread.linear_price)
    jump(inverse, price)
    jump(linear, price)
    assert inverse.positions("me")[0].contracts
    assert linear.positions("me")[0].contracts
    return (
        inverse.account("me").balance - INVERSE_WALLET,
        linear.account("me").balance - LINEAR_CASH,
    )


@pytest.mark.parametrize(("name", "price", "coins", "dollars"), CASES)
def test_the_spread_alone(name: str, price: int, coins: int, dollars: int) -> None:
    inverse, linear = profits(SPREADS[name], price, hedged=False)
    assert (inverse, linear) == (coins, dollars * USD)
    assert inverse * price + linear == SPREAD_ALONE * USD


@pytest.mark.parametrize(("name", "price"), [case[:2] for case in CASES])
def test_with_the_collateral_hedge(name: str, price: int) -> None:
    """5 XBT are collateral, bought at 8,000: with their own P&L the whole earns 60,000 at every price."""
    inverse, linear = profits(SPREADS[name], price, hedged=True)
    collateral = 5 * XBT * (price - 8_000)
    assert inverse * price + linear + collateral == WITH_HEDGE * USD


def test_the_margin_of_the_guides() -> None:
    clock = ManualClock()
    linear = linear_exchange(clock, "me", (2026, 12))
    take(linear, Side.SELL, 6, 10_000)
    jump(linear, 10_000)
    assert linear.account("me").initial == 60_000 * USD
    inverse = inverse_exchange(clock, "me")
    inverse.set_leverage("me", "XBTUSD", 500)
    take(inverse, Side.BUY, 200_000, 8_000)
    assert inverse.position("me", "XBTUSD").pos_margin == 5 * XBT
    inverse.set_leverage("me", "XBTUSD", 0)
    assert inverse.account("me").balance == INVERSE_WALLET
