"""What the tests of the exchange core share: a clock that stands still, a venue, and books written short."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from adapters.simulator.exchange.catalog import mbt, xbtusd
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.events import ExchangeEvent
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.funding import FundingSchedule
from adapters.simulator.exchange.orders import NewOrder, Side, SimOrder, Tif
from adapters.simulator.exchange.rules import INVERSE_RULES, LINEAR_RULES
from adapters.simulator.exchange.sessions import ALWAYS_OPEN, Sessions
from adapters.simulator.exchange.views import BookLevel

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
XBT = 100_000_000
USD = 100_000_000


class ManualClock:
    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._elapsed = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed

    def advance(self, by: timedelta) -> None:
        self._now += by
        self._elapsed += by.total_seconds()


def dollars(price: float) -> int:
    return round(price * 100)


def levels(*pairs: tuple[float, int]) -> list[BookLevel]:
    """Write a side of a book as (price in USD, contracts), best first."""
    return [BookLevel(dollars(price), quantity) for price, quantity in pairs]


class Bench:
    """One venue with one funded account, "me", every event it told, and short ways to trade."""

    def __init__(self, exchange: Exchange, clock: ManualClock, spec: ContractSpec, wallet: int) -> None:
        self.exchange = exchange
        self.clock = clock
        self.spec = spec
        self.events: list[ExchangeEvent] = []
        exchange.open_account("me")
        if wallet:
            exchange.deposit("me", wallet)
        exchange.subscribe(self.events.append)

    def market(self, bids: list[BookLevel], asks: list[BookLevel], *, index: float | None = None) -> None:
        middle = (bids or asks)[0].price if index is None else dollars(index)
        self.exchange.set_market(self.spec.symbol, middle, bids, asks)

    def place(
        self,
        side: Side,
        quantity: int,
        price: float,
        tif: Tif = Tif.IOC,
        *,
        account: str = "me",
        client_id: str = "",
        post_only: bool = False,
        reduce_only: bool = False,
        expires_at: datetime | None = None,
    ) -> SimOrder:
        request = NewOrder(
            symbol=self.spec.symbol,
            side=side,
            quantity=quantity,
            price=dollars(price),
            tif=tif,
            client_id=client_id,
            post_only=post_only,
            reduce_only=reduce_only,
            expires_at=expires_at,
        )
        return self.exchange.place(account, request)

    def trade(self, side: Side, quantity: int, price: float) -> SimOrder:
        """Trade exactly ``quantity`` at ``price``, which the market is set to offer."""
        offer = levels((price, quantity))
        self.market([] if side is Side.BUY else offer, offer if side is Side.BUY else [])
        return self.place(side, quantity, price)

    @property
    def contracts(self) -> int:
        return self.exchange.position("me", self.spec.symbol).contracts

    @property
    def wallet(self) -> int:
        return self.exchange.account("me").wallet


def inverse_bench(
    *,
    wallet: int = 10 * XBT,
    taker_fee: int = 500,
    initial_margin: int = 10_000,
    funding: FundingSchedule | None = None,
) -> Bench:
    clock = ManualClock()
    spec = replace(
        xbtusd(),
        taker_fee=taker_fee,
        initial_margin_long=initial_margin,
        initial_margin_short=initial_margin,
    )
    return Bench(Exchange("bitmex", [spec], INVERSE_RULES, clock, funding=funding), clock, spec, wallet)


def linear_bench(*, wallet: int = 1_000_000 * USD, sessions: Sessions = ALWAYS_OPEN) -> Bench:
    clock = ManualClock()
    spec = mbt(2026, 12)
    rules = replace(LINEAR_RULES, sessions=sessions)
    return Bench(Exchange("cme", [spec], rules, clock), clock, spec, wallet)
