"""The reference indices the broker lists beside the futures: type IND, and nothing that can be traded.

BRTI is the index of the moment, told once a second; BRR the rate of 16:00 London, told once a day.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from adapters.clock import Clock
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.views import Ticker
from adapters.simulator.tws import messages
from adapters.simulator.tws.api_errors import DUPLICATE_TICKER, NOT_SUBSCRIBED, Refuse
from adapters.simulator.tws.contracts import CURRENCY, EXCHANGE, ContractQuery
from adapters.simulator.tws.index_service import IndexService
from adapters.simulator.tws.links import Link
from adapters.simulator.tws.messages import Tick
from adapters.simulator.tws.money import price

INDEX_TYPE = "IND"
EVERY = timedelta(seconds=1)
_LONDON = ZoneInfo("Europe/London")
_FIXED_AT = time(16)
_LIVE = 1


@dataclass(frozen=True, slots=True)
class IbIndex:
    con_id: int
    symbol: str
    long_name: str
    tick: Decimal = Decimal("0.01")


BRTI = IbIndex(460_000_001, "BRTI", "CME CF Bitcoin Real Time Index")
BRR = IbIndex(460_000_002, "BRR", "CME CF Bitcoin Reference Rate")

Told = tuple[int, datetime]
"""A price in cents, and of when it is."""


@dataclass(slots=True)
class _Subscription:
    index: IbIndex
    told: Told | None = None


@dataclass(slots=True)
class IndexFeed:
    """Answers what is asked about indices, and tells them. ``flush`` is called while the broker's lines are up."""

    exchange: Exchange
    clock: Clock
    service: IndexService = IndexService.LIVE
    _subscriptions: dict[tuple[Link, int], _Subscription] = field(default_factory=dict)
    _fixing: Told | None = None

    @property
    def subscriptions(self) -> list[tuple[Link, int]]:
        return [*self._subscriptions]

    def find(self, query: ContractQuery) -> Sequence[IbIndex]:
        """Return the indices a client means: by conId, or by type and symbol."""
        if self.service is IndexService.UNLISTED or query.exchange not in ("", EXCHANGE):
            return []
        if query.con_id:
            return [index for index in (BRTI, BRR) if index.con_id == query.con_id]
        if query.sec_type != INDEX_TYPE or query.currency not in ("", CURRENCY):
            return []
        return [index for index in (BRTI, BRR) if index.symbol == query.symbol]

    def subscribe(self, link: Link, req_id: int, index: IbIndex, *, snapshot: bool, paused: bool) -> None:
        """Tell an index now and, unless a snapshot is all, when it changes. Raises Refuse (322, 354)."""
        if (link, req_id) in self._subscriptions:
            raise Refuse(DUPLICATE_TICKER)
        if self.service is not IndexService.LIVE:
            raise Refuse(NOT_SUBSCRIBED)
        link.send(messages.index_tick_request(req_id, index.tick))
        link.send(messages.market_data_type(req_id, _LIVE))
        subscription = _Subscription(index)
        if not paused:
            self._tell(link, req_id, subscription)
        if snapshot:
            link.send(messages.tick_snapshot_end(req_id))
        else:
            self._subscriptions[link, req_id] = subscription

    def unsubscribe(self, link: Link, req_id: int) -> bool:
        """Return whether there was such a subscription."""
        return self._subscriptions.pop((link, req_id), None) is not None

    def forget(self, link: Link) -> None:
        for key in [key for key in self._subscriptions if key[0] is link]:
            del self._subscriptions[key]

    def forget_all(self) -> None:
        self._subscriptions.clear()

    def flush(self) -> None:
        self._fix()
        for (link, req_id), subscription in self._subscriptions.items():
            self._tell(link, req_id, subscription)

    def _tell(self, link: Link, req_id: int, subscription: _Subscription) -> None:
        now, told = self._value(subscription.index), subscription.told
        if now is None or (told is not None and (now[0] == told[0] or now[1] - told[1] < EVERY)):
            return
        subscription.told = now
        link.send(messages.tick_price(req_id, Tick.LAST, price(now[0]), 0))
        link.send(messages.tick_string(req_id, messages.LAST_TIMESTAMP, str(int(now[1].timestamp()))))

    def _value(self, index: IbIndex) -> Told | None:
        if index is BRR:
            self._fix()
            return self._fixing
        at = self.clock.now()
        return next(((ticker.index, at) for ticker in self._tickers() if ticker.index is not None), None)

    def _fix(self) -> None:
        """Take the rate of 16:00 London once it is to be had; of days before this simulation nothing is known."""
        now = self.clock.now()
        local = now.astimezone(_LONDON)
        day = local.date() if local.time() >= _FIXED_AT else local.date() - timedelta(days=1)
        at = datetime.combine(day, _FIXED_AT, _LONDON)
        if now - at >= timedelta(hours=1) or (self._fixing is not None and self._fixing[1] == at):
            return
        rates = (self.exchange.reference_rate(ticker.symbol, at) for ticker in self._tickers())
        rate = next((rate for rate in rates if rate is not None), None)
        if rate is not None:
            self._fixing = rate, at

    def _tickers(self) -> Iterator[Ticker]:
        """The contracts whose index still moves: one that has been settled knows it no more."""
        tickers = (self.exchange.ticker(spec.symbol) for spec in self.exchange.specs())
        return (ticker for ticker in tickers if ticker.settlement is None)
