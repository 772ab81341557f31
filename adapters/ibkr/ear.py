"""Hands each word of the gateway to whom it concerns."""

import logging
from collections.abc import Callable

from ib_async.contract import Contract
from ib_async.objects import CommissionReport, Execution
from ib_async.order import Order, OrderState

from adapters.ibkr import codes
from adapters.ibkr.blotter import Blotter
from adapters.ibkr.farms import Farms
from adapters.ibkr.feed import Feed
from adapters.ibkr.indices import Indices
from adapters.ibkr.link import GatewayLink
from adapters.ibkr.receiver import StatusWord

_log = logging.getLogger(__name__)


class Ear:
    """``see_again`` asks for the market data anew."""

    def __init__(
        self,
        name: str,
        blotter: Blotter,
        feed: Feed,
        link: GatewayLink,
        farms: Farms,
        indices: Indices,
        see_again: Callable[[], None],
    ) -> None:
        self._name = name
        self._blotter = blotter
        self._feed = feed
        self._link = link
        self._farms = farms
        self._indices = indices
        self._see_again = see_again

    def open_order(self, contract: Contract, order: Order, state: OrderState) -> None:
        self._blotter.open_order(contract, order, state)

    def order_status(self, word: StatusWord) -> None:
        self._blotter.order_status(word)

    def order_error(self, order_id: int, code: int, text: str) -> None:
        self._blotter.order_error(order_id, code, text)

    def execution(self, contract: Contract, execution: Execution, live: bool) -> None:
        self._blotter.execution(contract, execution, live)

    def commission(self, report: CommissionReport) -> None:
        self._blotter.commission(report)

    def tick(self, request_id: int, tick_type: int, price: float | None, size: float) -> None:
        if self._indices.owns(request_id):
            self._indices.tick(request_id, tick_type, price)
        else:
            self._feed.tick(request_id, tick_type, price, size)

    def text_tick(self, request_id: int, tick_type: int, text: str) -> None:
        if self._indices.owns(request_id):
            self._indices.text_tick(request_id, tick_type, text)

    def data_kind(self, request_id: int, kind: int) -> None:
        if self._indices.owns(request_id):
            self._indices.data_kind(request_id, kind)
        else:
            self._feed.data_kind(request_id, kind)

    def batch_end(self) -> None:
        self._indices.batch_end()
        if self._feed.batch_end():
            self._link.sees()

    def data_error(self, request_id: int, code: int, text: str) -> None:
        """A subscription failed. For a contract, all but warnings mean that no quotes come, so the link is no good."""
        if self._indices.owns(request_id):
            self._indices.data_error(request_id, code, text)
            return
        symbol = self._feed.symbol_of(request_id)
        if codes.is_warning(code):
            _log.info("%s: %s: %s: %s", self._name, symbol, code, text)
        else:
            self._link.blinded(f"no market data for {symbol}: {text} [{code}]")

    def notice(self, code: int, text: str) -> None:
        self._note_farm(code, text)
        match code:
            case codes.LINK_LOST | codes.LINK_BROKEN:
                self._feed.doubt()
                self._link.severed(f"the gateway has lost the broker: {text} [{code}]")
            case codes.RESTORED_DATA_LOST | codes.RESTORED_DATA_KEPT:
                self._link.restored(data_lost=code == codes.RESTORED_DATA_LOST)
            case codes.COMPETING_SESSION:
                self._link.blinded(f"no market data: {text} [{code}]")
            case _ if codes.is_warning(code):
                _log.info("%s: %s: %s", self._name, code, text)
            case _:
                _log.warning("%s: %s: %s", self._name, code, text)

    def _note_farm(self, code: int, text: str) -> None:
        were_up = self._farms.are_up
        self._farms.note(code, text)
        if were_up and not self._farms.are_up:
            self._feed.doubt()
        elif self._farms.are_up and not were_up:
            self._see_again()
