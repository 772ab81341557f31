"""The guides' two spreads: what is opened at which price, and what each venue then shows.

Figures from the published tables: leverage 5, spot 8,000, the dear future at 10,000.
"""

from dataclasses import dataclass, replace

from adapters.clock import Clock
from adapters.simulator.exchange.catalog import btc, xbtusd
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.orders import Side
from adapters.simulator.exchange.rules import INVERSE_RULES, LINEAR_RULES
from adapters.simulator.exchange.views import BookLevel

XBT = USD = 100_000_000
INVERSE_WALLET = 40 * XBT
LINEAR_CASH = 1_000_000 * USD
DEPTH = 1_000_000


@dataclass(frozen=True, slots=True)
class Spread:
    """Prices in USD. ``hedge_contracts``: of whichever venue holds the collateral hedge (``hedge_inverse``).

    ``table``: at which price, the inverse venue's P&L in satoshi and the broker's in USD, spread alone.
    """

    inverse_side: Side
    inverse_price: int
    inverse_contracts: int
    linear_price: int
    linear_contracts: int
    hedge_inverse: int
    hedge_linear: int
    table: tuple[tuple[int, int, int], ...]

    @property
    def linear_side(self) -> Side:
        return self.inverse_side.opposite


LONG_INVERSE = Spread(
    inverse_side=Side.BUY,
    inverse_price=8_000,
    inverse_contracts=200_000,
    linear_price=10_000,
    linear_contracts=5,
    hedge_inverse=0,
    hedge_linear=1,
    table=(
        (4_000, -25 * XBT, 150_000),
        (8_000, 0, 50_000),
        (16_000, 1_250_000_000, -150_000),
    ),
)
SHORT_INVERSE = Spread(
    inverse_side=Side.SELL,
    inverse_price=10_000,
    inverse_contracts=250_000,
    linear_price=8_000,
    linear_contracts=5,
    hedge_inverse=50_000,
    hedge_linear=0,
    table=(
        (4_000, 3_750_000_000, -100_000),
        (8_000, 625_000_000, 0),
        (16_000, -937_500_000, 200_000),
    ),
)
SPREADS = {"long-inverse": LONG_INVERSE, "short-inverse": SHORT_INVERSE}
SPREAD_ALONE = 50_000
WITH_HEDGE = 60_000
"""USD, at every price."""


def inverse_exchange(clock: Clock, account: str) -> Exchange:
    """The perpetual without fees and funding; 40 XBT in cross."""
    exchange = Exchange("bitmex", [replace(xbtusd(), maker_fee=0, taker_fee=0)], INVERSE_RULES, clock)
    exchange.open_account(account)
    exchange.deposit(account, INVERSE_WALLET)
    return exchange


def linear_exchange(clock: Clock, account: str, month: tuple[int, int]) -> Exchange:
    """The big future without commission, at the guides' 20 % margin."""
    rate = 200_000
    spec = replace(
        btc(*month),
        commission=0,
        initial_margin_long=rate,
        initial_margin_short=rate,
        maintenance_margin_long=rate,
        maintenance_margin_short=rate,
    )
    exchange = Exchange("cme", [spec], LINEAR_RULES, clock)
    exchange.open_account(account)
    exchange.deposit(account, LINEAR_CASH)
    return exchange


def offer(exchange: Exchange, side: Side, price: int) -> None:
    """Let the market stand ready to trade with an order of ``side`` at ``price``; the index is there too."""
    spec = exchange.specs()[0]
    near, far = (
        [BookLevel(price * 100, DEPTH)],
        [BookLevel(price * 100 + side.opposite.sign * spec.tick, DEPTH)],
    )
    bids, asks = (far, near) if side is Side.BUY else (near, far)
    exchange.set_market(spec.symbol, price * 100, bids, asks)


def jump(exchange: Exchange, price: int) -> None:
    """Let index and market be at ``price`` at once, a tick either side of it, and the venue answer."""
    spec = exchange.specs()[0]
    exchange.set_market(
        spec.symbol,
        price * 100,
        [BookLevel(price * 100 - spec.tick, DEPTH)],
        [BookLevel(price * 100 + spec.tick, DEPTH)],
    )
    exchange.step()
