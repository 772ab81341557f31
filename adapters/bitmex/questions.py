"""What BitMEX can be asked: orders, executions, positions, account, wallet. Answers are read, or refused."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

from adapters.bitmex import wire
from adapters.bitmex.account import (
    account,
    isolated,
    key_fault,
    may_order,
    position,
    wallet_flow,
    wallet_time,
)
from adapters.bitmex.endpoints import Endpoint
from adapters.bitmex.executions import TRADED, as_they_stand, execution_event, is_correction, match_of
from adapters.bitmex.orders import order_update
from adapters.bitmex.rest import Rest
from adapters.bitmex.settings import BitmexSettings
from adapters.bitmex.terms import NotUnderstood, instrument
from adapters.bitmex.wire import Malformed, Row
from adapters.clock import Clock
from adapters.errors import Misconfigured, Unreachable
from risk.instruments import Instrument, InstrumentId
from risk.orders import Bust, CashFlow, Fill, OrderUpdate
from risk.portfolio import Account, Position

PAGE = 500

T = TypeVar("T")


class Questions:
    """All raise Unreachable (an unreadable answer is none) or Misconfigured."""

    def __init__(self, settings: BitmexSettings, clock: Clock, rest: Rest) -> None:
        self._settings = settings
        self._name = settings.name
        self._clock = clock
        self._rest = rest

    async def check_key(self) -> bool:
        """Raise Misconfigured unless the key may order (or cancel, where that will do) and may not withdraw. Return
        whether it may order.
        """
        attempted = "check the API key's rights"
        answer = await self._rest.ask(Endpoint.API_KEYS, {}, attempted)
        fault = self._read(
            attempted,
            lambda: key_fault(
                wire.rows(answer), self._settings.api_key, cancels_only=self._settings.cancels_only
            ),
        )
        if fault is not None:
            raise Misconfigured(self._name, attempted, fault)
        return may_order(wire.rows(answer), self._settings.api_key)

    async def check_cross(self, symbols: Sequence[str]) -> None:
        """Raise Misconfigured if a position's margin is isolated: it would end while the wallet still has plenty."""
        attempted = "check that positions share the wallet's margin"
        answer = await self._rest.ask(Endpoint.POSITIONS, {}, attempted)
        found = self._read(attempted, lambda: isolated(wire.rows(answer), symbols))
        if found is not None:
            detail = f"{found} is on isolated margin: set its leverage to cross (0) at the venue"
            raise Misconfigured(self._name, attempted, detail, code="POSITION_ISOLATED")

    async def instrument(self, symbol: str) -> Instrument:
        attempted = f"load the contract {symbol}"
        fields: dict[str, object] = {"symbol": symbol, "count": 1}
        answer = await self._rest.ask(Endpoint.INSTRUMENTS, fields, attempted)
        rows = self._read(attempted, lambda: wire.rows(answer))
        if not any(row.get("symbol") == symbol for row in rows):
            raise Misconfigured(self._name, attempted, "the venue has no such contract")
        try:
            return self._read(attempted, lambda: instrument(self._name, rows[0]))
        except NotUnderstood as error:
            raise Misconfigured(self._name, attempted, str(error)) from error

    async def order(self, instrument_id: InstrumentId, client_order_id: str) -> OrderUpdate | None:
        attempted = f"ask about order {client_order_id}"
        fields: dict[str, object] = {
            "symbol": instrument_id.symbol,
            "filter": json.dumps({"clOrdID": client_order_id}),
            "count": 1,
            "reverse": "true",
        }
        answer = await self._rest.ask(Endpoint.ORDERS, fields, attempted)
        updates = self._read(attempted, lambda: [order_update(self._name, row) for row in wire.rows(answer)])
        if any(update.client_order_id != client_order_id for update in updates):
            raise Unreachable(self._name, attempted, "the answer is about another order")
        return updates[0] if updates else None

    async def open_orders(self) -> list[OrderUpdate]:
        attempted = "ask for the open orders"
        rows = await self._pages(
            Endpoint.ORDERS, {"filter": json.dumps({"open": True})}, attempted, "orderID"
        )
        updates = self._read(attempted, lambda: [order_update(self._name, row) for row in rows])
        return [update for update in updates if not update.status.is_final]

    async def fills(self, since: datetime) -> list[Fill]:
        return [event for event in await self._traded(since) if isinstance(event, Fill)]

    async def busts(self, since: datetime) -> list[Bust]:
        return [event for event in await self._traded(since) if isinstance(event, Bust)]

    async def _traded(self, since: datetime) -> list[Fill | Bust]:
        """Return each trade from ``since`` on as it stands, and older ones corrected since, oldest first."""
        attempted = "ask for the fills"
        rows = await self._pages(
            Endpoint.EXECUTIONS,
            {"startTime": wire.stamp(since), "filter": json.dumps({"execType": list(TRADED)})},
            attempted,
            "execID",
        )
        known = self._read(attempted, lambda: {match_of(row) for row in rows if not is_correction(row)})
        for match in {match_of(row) for row in rows if is_correction(row)} - known:
            wanted = json.dumps({"trdMatchID": match[0], "orderID": match[1]})
            rows += await self._pages(Endpoint.EXECUTIONS, {"filter": wanted}, attempted, "execID")
        told = self._read(attempted, lambda: as_they_stand(self._name, rows))
        return sorted(told, key=lambda event: event.at)

    async def executions(self, since: datetime, *kinds: str) -> list[Row]:
        """Return rows of the execution table from ``since`` on, oldest first; of all kinds if none is named."""
        fields: dict[str, object] = {"startTime": wire.stamp(since)}
        rows: list[Row] = []
        for kind in kinds or ("",):
            chosen = fields | {"filter": json.dumps({"execType": kind})} if kind else fields
            rows += await self._pages(
                Endpoint.EXECUTIONS, chosen, f"ask for executions {kind}".strip(), "execID"
            )
        return rows

    async def positions(self) -> list[Position]:
        attempted = "ask for the positions"
        answer = await self._rest.ask(Endpoint.POSITIONS, {}, attempted)
        at = self._clock.now()
        known = self._read(attempted, lambda: [position(self._name, row, at) for row in wire.rows(answer)])
        return [one for one in known if one is not None]

    async def account(self) -> Account:
        attempted = "ask for the account"
        answer = await self._rest.ask(Endpoint.MARGIN, {"currency": "XBt"}, attempted)
        return self._read(attempted, lambda: account(self._name, wire.row(answer), self._clock.now()))

    async def cash_flows(self, since: datetime) -> list[CashFlow]:
        """Return funding (from executions) and transfers (from the wallet), oldest first."""
        attempted = "ask for cash flows"
        executions = await self.executions(since, "Funding")
        events = self._read(attempted, lambda: [execution_event(self._name, row) for row in executions])
        flows = [event for event in events if isinstance(event, CashFlow)]
        flows += await self.wallet_flows(since)
        return sorted(flows, key=lambda flow: flow.at)

    async def wallet_flows(self, since: datetime) -> list[CashFlow]:
        """Return deposits, withdrawals and transfers that took effect from ``since`` on."""
        attempted = "ask for the wallet's history"

        def is_older(row: Row) -> bool:
            return wallet_time(row) < since

        rows = await self._pages(
            Endpoint.WALLET_HISTORY, {"currency": "XBt"}, attempted, "transactID", is_older
        )
        flows = self._read(attempted, lambda: [wallet_flow(self._name, row) for row in rows])
        return [flow for flow in flows if flow is not None and flow.at >= since]

    async def _pages(
        self,
        endpoint: Endpoint,
        fields: dict[str, object],
        attempted: str,
        key: str,
        is_enough: Callable[[Row], bool] = lambda row: False,
    ) -> list[Row]:
        """Ask page after page; each row once, by ``key``. Ends at a short page or one that is all ``is_enough``."""
        found: dict[str, Row] = {}

        def add(page: object) -> tuple[int, bool]:
            """Keep a page's rows; return how many it had, and whether it was the last one needed."""
            rows = wire.rows(page)
            before = len(found)
            found.update((wire.text(row, key), row) for row in rows)
            is_last = len(rows) < PAGE or all(map(is_enough, rows))
            if not is_last and len(found) == before:
                raise Malformed("the venue tells the same page again and again")
            return len(rows), is_last

        start, is_last = 0, False
        while not is_last:
            answer = await self._rest.ask(endpoint, fields | {"count": PAGE, "start": start}, attempted)
            count, is_last = self._read(attempted, partial(add, answer))
            start += count
        return list(found.values())

    def _read(self, attempted: str, reading: Callable[[], T]) -> T:
        try:
            return reading()
        except Malformed as error:
            raise Unreachable(self._name, attempted, f"an answer that cannot be read: {error}") from error
