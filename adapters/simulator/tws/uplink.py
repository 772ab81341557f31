"""The gateway's own lines to the broker: its servers, its data farms, and who else is logged in.

While the line is down (1100) no order goes out and nothing comes in; the links to the clients stay up. With
its return (1101, 1102) come the executions and changes missed; after 1101 nobody is subscribed to prices.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from adapters.simulator.exchange.events import BookChanged, ExchangeEvent
from adapters.simulator.tws import api_errors, messages
from adapters.simulator.tws.account_board import AccountBoard
from adapters.simulator.tws.api_errors import NO_ID, ApiError, Refuse
from adapters.simulator.tws.lane import Lane
from adapters.simulator.tws.links import Links
from adapters.simulator.tws.market_feed import MarketFeed, Pause


@dataclass(slots=True)
class Uplink:
    """``deliver`` takes an event in when the line is up; ``orders`` is the way out."""

    links: Links
    feed: MarketFeed
    board: AccountBoard
    orders: Lane
    deliver: Callable[[ExchangeEvent], None]
    is_down: bool = False
    market_farm: ApiError = api_errors.MARKET_FARM_OK
    history_farm: ApiError = api_errors.HISTORY_FARM_OK
    competing: bool = False
    _missed: list[ExchangeEvent] = field(default_factory=list)

    def take(self, event: ExchangeEvent) -> None:
        """Deliver an event, now or when the line is back."""
        if not self.is_down:
            self.deliver(event)
        elif isinstance(event, BookChanged):
            self.feed.on_book(event.symbol)
        else:
            self._missed.append(event)

    def lose(self) -> None:
        """The line goes down (1100)."""
        if self.is_down:
            return
        self.is_down = True
        self.orders.pause()
        self.feed.pause(Pause.LINE)
        self.board.freeze(True)
        self._say(api_errors.LINK_LOST)

    def restore(self, *, data_kept: bool) -> None:
        """The line comes back, with subscriptions to prices kept (1102) or lost (1101)."""
        if not self.is_down:
            return
        self.is_down = False
        if not data_kept:
            self.feed.forget_all()
        self._say(api_errors.DATA_KEPT if data_kept else api_errors.DATA_LOST)
        missed, self._missed = self._missed, []
        for event in missed:
            self.deliver(event)
        self.feed.resume(Pause.LINE)
        self.board.freeze(False)
        self.orders.resume()

    def set_market_farm(self, state: ApiError) -> None:
        """Say how the market data farm is (2103, 2104, 2108); prices come only while it is not broken."""
        self.market_farm = state
        self._say(state)
        if state is api_errors.MARKET_FARM_BROKEN:
            self.feed.pause(Pause.FARM)
        else:
            self.feed.resume(Pause.FARM)

    def set_history_farm(self, state: ApiError) -> None:
        """Say how the farm of historical data is (2105, 2106, 2107); nothing here depends on it."""
        self.history_farm = state
        self._say(state)

    def compete(self, *, on: bool) -> None:
        """Somebody else logs in with the same name and takes the prices (10197), or leaves again."""
        self.competing = on
        if not on:
            self.feed.resume(Pause.COMPETITION)
            return
        self.feed.pause(Pause.COMPETITION)
        for link, req_id in self.feed.subscriptions:
            link.send(messages.error(link.version, req_id, api_errors.COMPETING))

    def check_data(self) -> None:
        """Raises Refuse (10197) while somebody else has the prices."""
        if self.competing:
            raise Refuse(api_errors.COMPETING)

    def greeting(self) -> tuple[ApiError, ...]:
        """Return what a client that connects now is told."""
        if self.is_down:
            return (api_errors.LINK_BROKEN,)
        return self.market_farm, self.history_farm, api_errors.CONTRACT_FARM_OK

    def _say(self, notice: ApiError) -> None:
        for link in self.links:
            link.send(messages.error(link.version, NO_ID, notice))
