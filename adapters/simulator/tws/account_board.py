"""Who watches the account and positions, and when they are told.

As at the broker, account values are a picture taken every three minutes and whenever a position or the cash
changes; between pictures the prices move and the values do not. Positions are told as they change.
"""

import asyncio
from dataclasses import dataclass, field

from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.views import PositionView
from adapters.simulator.tws import messages
from adapters.simulator.tws.account_values import Holding, Snapshot, holding, take_snapshot
from adapters.simulator.tws.api_errors import TOO_MANY_SUMMARIES, Refuse, invalid
from adapters.simulator.tws.blotter import Blotter
from adapters.simulator.tws.contracts import Catalogue
from adapters.simulator.tws.hours import CHICAGO
from adapters.simulator.tws.links import Link

MAX_SUMMARIES = 2


@dataclass(slots=True)
class _Watch:
    """What one link has subscribed to. ``summaries``: tags by request; ``multi``: requests."""

    positions: bool = False
    updates: bool = False
    summaries: dict[int, frozenset[str]] = field(default_factory=dict)
    multi: set[int] = field(default_factory=set)


class AccountBoard:
    """``refresh``: seconds between pictures."""

    def __init__(
        self, exchange: Exchange, account: str, catalogue: Catalogue, blotter: Blotter, refresh: float
    ) -> None:
        self._exchange = exchange
        self._account = account
        self._catalogue = catalogue
        self._blotter = blotter
        self._refresh = refresh
        self._watches: dict[Link, _Watch] = {}
        self._picture = self._take()
        self._soon: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._frozen = False

    def freeze(self, frozen: bool) -> None:
        """Keep the last picture while ``frozen``; take a new one when it ends."""
        self._frozen = frozen
        if not frozen:
            self.on_account()

    def start(self) -> None:
        """Take pictures from now on."""
        self._timer = asyncio.get_running_loop().call_later(self._refresh, self._tick)

    def close(self) -> None:
        for handle in (self._soon, self._timer):
            if handle is not None:
                handle.cancel()
        self._watches.clear()

    def forget(self, link: Link) -> None:
        """End all that a link has subscribed to."""
        self._watches.pop(link, None)

    # Positions

    def watch_positions(self, link: Link) -> None:
        self._watch(link).positions = True
        for position in self._exchange.positions(self._account):
            if position.contracts:
                link.send(self._position(position))
        link.send(messages.position_end())

    def unwatch_positions(self, link: Link) -> None:
        self._watch(link).positions = False

    def on_position(self, position: PositionView) -> None:
        """A position changed: tell it at once, and the account as soon as the cause is dealt with."""
        for link, watch in self._watches.items():
            if watch.positions:
                link.send(self._position(position))
        self.on_account()

    def on_account(self) -> None:
        """Take a new picture once what caused the change has been told."""
        if self._soon is None:
            self._soon = asyncio.get_running_loop().call_soon(self._renew)

    # Account values

    def watch_updates(self, link: Link, account: str, *, on: bool) -> None:
        """Start or end account updates. Raises Refuse (321) for another account."""
        self._check(account)
        watch = self._watch(link)
        watch.updates = on
        if on:
            self._tell_updates(link, self._current())
            link.send(messages.account_download_end(self._account))

    def watch_multi(self, link: Link, req_id: int, account: str) -> None:
        """Start account updates of the "multi" kind. Raises Refuse (321) for another account."""
        self._check(account)
        self._watch(link).multi.add(req_id)
        self._tell_multi(link, req_id, self._current())
        link.send(messages.account_update_multi_end(req_id))

    def unwatch_multi(self, link: Link, req_id: int) -> None:
        self._watch(link).multi.discard(req_id)

    def watch_summary(self, link: Link, req_id: int, tags: str) -> None:
        """Start an account summary of comma-separated ``tags``. Raises Refuse (322) beyond two."""
        summaries = self._watch(link).summaries
        if req_id not in summaries and len(summaries) >= MAX_SUMMARIES:
            raise Refuse(TOO_MANY_SUMMARIES)
        summaries[req_id] = frozenset(tag.strip() for tag in tags.split(",") if tag.strip())
        self._tell_summary(link, req_id, summaries[req_id], self._current())
        link.send(messages.account_summary_end(req_id))

    def unwatch_summary(self, link: Link, req_id: int) -> None:
        self._watch(link).summaries.pop(req_id, None)

    # Inside

    def _watch(self, link: Link) -> _Watch:
        return self._watches.setdefault(link, _Watch())

    def _check(self, account: str) -> None:
        if account not in ("", self._account):
            raise Refuse(invalid(f"Invalid account code '{account}'"))

    def _take(self) -> Snapshot:
        return take_snapshot(self._exchange, self._account, self._catalogue, self._blotter)

    def _current(self) -> Snapshot:
        if self._soon is not None:
            self._soon.cancel()
            self._renew()
        return self._picture

    def _tick(self) -> None:
        self.start()
        self._renew()

    def _renew(self) -> None:
        self._soon = None
        if self._frozen:
            return
        self._picture = picture = self._take()
        for link, watch in self._watches.items():
            if watch.updates:
                self._tell_updates(link, picture)
            for req_id in watch.multi:
                self._tell_multi(link, req_id, picture)
            for req_id, tags in watch.summaries.items():
                self._tell_summary(link, req_id, tags, picture)

    def _tell_updates(self, link: Link, picture: Snapshot) -> None:
        for row in picture.values:
            link.send(messages.account_value(self._account, row.tag, row.value, row.currency))
        for line in picture.holdings:
            link.send(self._portfolio(line))
        link.send(messages.account_time(f"{picture.at.astimezone(CHICAGO):%H:%M}"))

    def _tell_multi(self, link: Link, req_id: int, picture: Snapshot) -> None:
        for row in picture.values:
            link.send(messages.account_update_multi(req_id, self._account, row.tag, row.value, row.currency))

    def _tell_summary(self, link: Link, req_id: int, tags: frozenset[str], picture: Snapshot) -> None:
        for row in picture.select(tags):
            link.send(messages.account_summary(req_id, self._account, row.tag, row.value, row.currency))

    def _position(self, position: PositionView) -> messages.Fields:
        line = holding(position, self._catalogue.of_spec(position.symbol), self._blotter)
        return messages.position(self._account, line.contract, line.contracts, line.average_cost)

    def _portfolio(self, line: Holding) -> messages.Fields:
        return messages.portfolio_value(
            self._account,
            line.contract,
            line.contracts,
            line.mark,
            line.value,
            line.average_cost,
            line.unrealised,
            line.realised,
        )
