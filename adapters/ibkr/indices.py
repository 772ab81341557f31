"""CME's reference indices as the broker carries them: contracts of type IND, which nobody trades.

Whether the broker lists an index, and whether this login gets live data of it, is found out by asking. Each no makes
the index unknown, in words for a person; the link and the quotes of what is traded stand as they are.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from ib_async.contract import Contract

from adapters.clock import Clock
from adapters.errors import Unreachable
from adapters.ibkr import codes
from adapters.ibkr.settings import IndexSettings
from adapters.ibkr.translate import decimal_of
from adapters.ibkr.wire import Wire
from adapters.venue import IndexRole, IndexTold

_LAST, _LAST_TIMESTAMP = 4, 45
_LIVE = 1

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Watched:
    """One index on one subscription. ``seen``: a price has come on it, so that the next one is a change."""

    role: IndexRole
    symbol: str
    price: Decimal | None = None
    at: datetime | None = None
    seen: bool = False
    is_live: bool = True
    note: str = ""
    touched: bool = False


class Indices:
    """Asks for each index when connected, and tells what comes of it."""

    def __init__(
        self,
        venue: str,
        wanted: Mapping[IndexRole, IndexSettings],
        clock: Clock,
        sink: Callable[[IndexTold], None],
    ) -> None:
        self._venue = venue
        self._wanted = wanted
        self._clock = clock
        self._sink = sink
        self._watched: dict[int, _Watched] = {}
        self._contracts: dict[IndexRole, Contract] = {}
        self._told: dict[IndexRole, IndexTold] = {}
        self._asking: asyncio.Task[None] | None = None

    def ask(self, wire: Wire) -> None:
        """Subscribe anew on a wire, in the background: nobody waits for an index."""
        if not self._wanted:
            return
        for request_id in self._watched:
            wire.unsubscribe(request_id)
        self.forget()
        self._asking = asyncio.get_running_loop().create_task(self._ask(wire))

    def forget(self) -> None:
        """The wire is gone, and with it every subscription."""
        self._watched.clear()
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    async def close(self) -> None:
        asking = self._asking
        self.forget()
        if asking is not None:
            await asyncio.gather(asking, return_exceptions=True)

    async def _ask(self, wire: Wire) -> None:
        for role, wanted in self._wanted.items():
            watched = _Watched(role, wanted.ib_symbol)
            try:
                contract = self._contracts.get(role) or await _resolve(wire, wanted)
                if contract is None:
                    self._refuse(
                        watched, f"the broker lists no index {wanted.ib_symbol} at {wanted.exchange}"
                    )
                    continue
                self._contracts[role] = contract
                self._watched[wire.subscribe(contract)] = watched
            except (Unreachable, ConnectionError) as error:
                self._refuse(watched, f"the broker was not to be asked for it: {error}")

    def owns(self, request_id: int) -> bool:
        return request_id in self._watched

    def tick(self, request_id: int, tick_type: int, price: float | None) -> None:
        """Take in a price. An index has no bid and no ask: what counts is its last value, not yesterday's close."""
        watched = self._watched[request_id]
        if tick_type != _LAST:
            return
        watched.touched = True
        value = decimal_of(price)
        if value is None or value <= 0:
            watched.price, watched.note = None, f"the broker tells no usable price of it: {price}"
            return
        # The first one may have stood for a day: only what changes under our eyes is of now.
        watched.at = self._clock.now() if watched.seen else None
        watched.price, watched.note, watched.seen = value, "", True

    def text_tick(self, request_id: int, tick_type: int, text: str) -> None:
        """Take in the time of the last value: whole seconds since 1970."""
        watched = self._watched[request_id]
        if tick_type == _LAST_TIMESTAMP and text.isascii() and text.isdecimal() and len(text) <= 10:
            at = datetime.fromtimestamp(int(text), UTC)
            watched.at = at if watched.at is None else max(watched.at, at)
            watched.touched = True

    def data_kind(self, request_id: int, kind: int) -> None:
        """Frozen or delayed data are no index of the moment."""
        watched = self._watched[request_id]
        watched.is_live = kind == _LIVE
        watched.touched = True

    def data_error(self, request_id: int, code: int, text: str) -> None:
        if codes.is_warning(code):
            _log.info("%s: %s: %s", self._watched[request_id].symbol, code, text)
            return
        # It stays ours: the gateway may complain of it again, and may yet send it.
        self._refuse(self._watched[request_id], f"the broker sends no data of it: {text} [{code}]")

    def batch_end(self) -> None:
        """Tell what the batch has touched."""
        for watched in self._watched.values():
            if watched.touched:
                watched.touched = False
                self._tell(watched)

    def _refuse(self, watched: _Watched, why: str) -> None:
        watched.price, watched.note = None, why
        self._tell(watched)

    def _tell(self, watched: _Watched) -> None:
        price, at, note = watched.price, watched.at, watched.note
        if price is not None and not watched.is_live:
            price, note = None, "the broker sends this login delayed or frozen data of it"
        if price is None and not note:
            return  # nothing has been said yet
        told = IndexTold(
            self._venue, watched.role, watched.symbol, price, None if price is None else at, note
        )
        if told == self._told.get(told.role):
            return
        if price is None:
            _log.warning("%s: index %s: %s", self._venue, watched.symbol, note)
        self._told[told.role] = told
        self._sink(told)


async def _resolve(wire: Wire, wanted: IndexSettings) -> Contract | None:
    """Return the index as the broker lists it, None where it lists none, or several. Raises Unreachable."""
    query = Contract(
        secType="IND", symbol=wanted.ib_symbol, exchange=wanted.exchange, currency=wanted.currency
    )
    try:
        found = await wire.contract_details(query)
    except Unreachable as error:
        if error.code == str(codes.NO_SUCH_CONTRACT):
            return None
        raise
    contracts = [details.contract for details in found if details.contract is not None]
    if len(contracts) != 1:
        return None
    query.conId = contracts[0].conId
    return query
