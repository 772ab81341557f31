"""One run of the gateway: everything between the sockets and the exchange, from start to stop.

A restarted gateway is a new one that finds its orders and executions again at the exchange.
"""

from collections.abc import Callable
from dataclasses import dataclass

from adapters.clock import Clock
from adapters.simulator.exchange.events import (
    BookChanged,
    CashMoved,
    ExchangeEvent,
    Executed,
    OrderChanged,
    PositionChanged,
)
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.tws.account_board import AccountBoard
from adapters.simulator.tws.blotter import Blotter
from adapters.simulator.tws.contracts import Catalogue
from adapters.simulator.tws.desk import OrderDesk
from adapters.simulator.tws.faults import Faults
from adapters.simulator.tws.hours import HoursStyle
from adapters.simulator.tws.index_service import IndexService
from adapters.simulator.tws.indices import IndexFeed
from adapters.simulator.tws.lane import Lane
from adapters.simulator.tws.links import Link, Links
from adapters.simulator.tws.market_feed import MarketFeed
from adapters.simulator.tws.order_log import OrderLogEntry
from adapters.simulator.tws.order_voice import OrderVoice
from adapters.simulator.tws.trade_reports import TradeReports
from adapters.simulator.tws.uplink import Uplink


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. ``latency``: an order's way to the exchange; ``tick``: how often a changed book is told;

    ``commission``: how long after an execution; ``account``: between two pictures of the account.
    """

    latency: float = 0.0
    tick: float = 0.25
    commission: float = 0.05
    account: float = 180.0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative: {getattr(self, name)}")


class Gateway:
    """Built and used on a running event loop; ``close`` releases what it holds."""

    def __init__(
        self,
        exchange: Exchange,
        clock: Clock,
        account: str,
        timing: Timing,
        faults: Faults,
        log: Callable[[OrderLogEntry], None],
        next_order_id: int | None = None,
        hours_style: HoursStyle = HoursStyle.DATED,
        index_service: IndexService = IndexService.LIVE,
    ) -> None:
        self.exchange = exchange
        self.clock = clock
        self.account = account
        self.faults = faults
        self.log = log
        self.hours_style = hours_style
        self.catalogue = Catalogue(exchange.specs())
        self.links = Links()
        self._orders_lane = Lane(timing.latency)
        self._commissions_lane = Lane(timing.commission)
        self._blotter = Blotter()
        self._blotter.rebook(exchange.standing(account))
        self.desk = OrderDesk(
            exchange=exchange,
            clock=clock,
            account=account,
            catalogue=self.catalogue,
            links=self.links,
            faults=faults,
            lane=self._orders_lane,
            first_order_id=1 if next_order_id is None else next_order_id,
            forget_ids=next_order_id is not None,
        )
        self.trades = TradeReports(
            self.desk, self._blotter, clock, OrderVoice(self.links), faults, self._commissions_lane
        )
        self.board = AccountBoard(exchange, account, self.catalogue, self._blotter, timing.account)
        self.indices = IndexFeed(exchange, clock, index_service)
        self.feed = MarketFeed(exchange, timing.tick, faults.plan, self.indices)
        self.uplink = Uplink(self.links, self.feed, self.board, self._orders_lane, self._on_event)
        self.board.start()
        self._unsubscribe = exchange.subscribe(self.uplink.take)

    def forget(self, link: Link) -> None:
        """A link is gone."""
        self.links.remove(link)
        self.board.forget(link)
        self.feed.forget(link)

    def close(self) -> None:
        """Stop listening and forget what waits. Orders on their way to the exchange never arrive."""
        self._unsubscribe()
        self._orders_lane.close()
        self._commissions_lane.close()
        self.board.close()
        self.feed.close()

    def _on_event(self, event: ExchangeEvent) -> None:
        match event:
            case OrderChanged() if event.order.account == self.account:
                self.desk.on_order(event)
            case Executed() if event.execution.account == self.account:
                if self.faults.position_first:
                    self.board.on_position(self.exchange.position(self.account, event.execution.symbol))
                self.trades.on_execution(event)
            case PositionChanged() if event.position.account == self.account:
                self.board.on_position(event.position)
            case CashMoved() if event.entry.account == self.account:
                self.board.on_account()
            case BookChanged():
                self.feed.on_book(event.symbol)
            case _:
                pass  # another account's, or the session's: its held orders are told one by one
