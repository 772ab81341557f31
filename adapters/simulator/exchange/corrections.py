"""Trades that the venue restates or takes back after the fact.

Position, wallet and fees become what they would be if the right trade had happened: the position is played again
from its first trade. What has passed between stays as it was: funding paid, orders admitted, margin moved by hand.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from adapters.simulator.exchange.clearing import Clearing
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.listing import Listing
from adapters.simulator.exchange.order_desk import OrderDesk
from adapters.simulator.exchange.order_store import OrderStore
from adapters.simulator.exchange.orders import ExecKind, Execution
from adapters.simulator.exchange.position import Position
from adapters.simulator.exchange.refusal import ExchangeRefusal, RefusalCode


def played(spec: ContractSpec, executions: Iterable[Execution]) -> tuple[Position, list[Execution]]:
    """Play a position from flat; return it, and the executions with what each then realises."""
    position = Position(spec)
    again = [
        replace(one, realised=position.trade(one.side.sign * one.quantity, one.cost)) for one in executions
    ]
    return position, again


class Corrections:
    """Posts events; the exchange flushes them. Raises ExchangeRefusal (UNKNOWN_TRADE, EXPIRED_CONTRACT, QUANTITY,

    LOT, TICK), and has changed nothing then.
    """

    def __init__(
        self, listings: Mapping[str, Listing], clearing: Clearing, desk: OrderDesk, store: OrderStore
    ) -> None:
        self._listings = listings
        self._clearing = clearing
        self._desk = desk
        self._store = store

    def restate(
        self, account: str, exec_id: str, quantity: int | None, price: int | None, now: datetime
    ) -> Execution:
        """Restate a trade, known by the id it first had; of ``quantity`` 0 it is taken back. None: as it was.

        Where another account was on the other side, its trade is restated as well.
        """
        was = self._trade(account, exec_id)
        listing = self._listings[was.symbol]
        quantity = was.quantity if quantity is None else quantity
        price = was.price if price is None else price
        other = self._store.other_side(was.first)
        sides = [was] if other is None else [was, self._trade(other.account, other.exec_id)]
        for side in sides:
            self._check(side, quantity, price, listing)
        stands = [self._restate(side, quantity, price, listing, now) for side in sides]
        return stands[0]

    def _trade(self, account: str, exec_id: str) -> Execution:
        self._clearing.get(account)
        for symbol in self._listings:
            for one in self._store.standing(account, symbol):
                if one.first.exec_id == exec_id and one.first.kind is ExecKind.TRADE and one.quantity:
                    return one
        raise ExchangeRefusal(RefusalCode.UNKNOWN_TRADE, f"{account} has no trade {exec_id} that stands")

    def _check(self, was: Execution, quantity: int, price: int, listing: Listing) -> None:
        spec = listing.spec
        if listing.settled is not None:
            raise ExchangeRefusal(RefusalCode.EXPIRED_CONTRACT, f"{spec.symbol} has been settled")
        order = self._store.get(was.order_id)
        room = was.quantity if order is None else was.quantity + order.quantity - order.cum
        if not 0 <= quantity <= room:
            raise ExchangeRefusal(RefusalCode.QUANTITY, f"The order allows {room} contracts", allowed=room)
        if quantity % spec.lot:
            raise ExchangeRefusal(RefusalCode.LOT, f"Not a multiple of {spec.lot}", lot=spec.lot)
        if price <= 0 or price % spec.tick:
            raise ExchangeRefusal(RefusalCode.TICK, f"Not a multiple of {spec.tick}", tick=spec.tick)

    def _restate(
        self, was: Execution, quantity: int, price: int, listing: Listing, now: datetime
    ) -> Execution:
        bare = self._clearing.restated(was, quantity, price, now)
        others = self._store.standing(was.account, was.symbol)
        before = self._clearing.position(was.account, was.symbol).realised
        position, again = played(
            listing.spec, (bare if one.first.exec_id == bare.first.exec_id else one for one in others)
        )
        stands = replace(bare, realised=position.realised - before)
        self._store.record(stands)
        self._store.restand(was.account, was.symbol, again)
        self._clearing.take_over(stands, position)
        self._desk.restate(stands, listing, now)
        return stands
