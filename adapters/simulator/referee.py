"""What both exchanges' own books say, over HTTP on loopback: for tests, which believe neither bot nor wire.

``GET /books``: for each venue its executions (in order, times ISO UTC, prices in cents, quantities in contracts,
``cost`` in 1e-8 of its currency; ``first``: the id of the trade that a correction or bust restates), positions, orders
(``stop`` in cents), wallet and how often each fault has happened.
``POST /cash`` with ``{"venue": "bitmex", "units": 50000000}`` (1e-8 of its currency) deposits, negative withdraws.
``POST /gap`` with ``{"ppm": -200000}`` lets every price jump, now: that one falls by a fifth.
``POST /faults`` with ``{"enabled": false}`` ends all faults (true: goes on); the answer is the counts.
"""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.refusal import ExchangeRefusal
from adapters.simulator.faults import FaultPlan
from adapters.simulator.scenario import ScenarioError
from adapters.simulator.world import World

_PPM = 1_000_000
Counts = dict[str, dict[str, int]]


class Referee:
    """``faults``: the plan of each venue, by the venue's name."""

    def __init__(self, world: World, faults: Mapping[str, FaultPlan]) -> None:
        self._world = world
        self._faults = faults
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; return the port bound (0 asks for a free one). Raises OSError if the port is taken."""
        app = web.Application()
        app.router.add_get("/books", self._books)
        app.router.add_post("/faults", self._switch)
        app.router.add_post("/cash", self._move_cash)
        app.router.add_post("/gap", self._gap)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        bound: int = runner.addresses[0][1]
        return bound

    async def stop(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    def counts(self) -> Counts:
        """Return how often each fault has happened, by venue; those with a rate from the start, at 0."""
        return {
            venue: {kind.value: count for kind, count in sorted(plan.counts.items())}
            for venue, plan in self._faults.items()
        }

    async def _books(self, _request: web.Request) -> web.Response:
        scenario, world = self._world.scenario, self._world
        accounts = (world.inverse, scenario.inverse.account), (world.linear, scenario.linear.account)
        books = {venue.name: _book(venue, account) for venue, account in accounts}
        counts = self.counts()
        told = {name: {**book, "faults": counts[name]} for name, book in books.items()}
        now = world.clock.now()
        return web.json_response(
            {"at": now.isoformat(), "market_time": world.calendar.at(now).isoformat(), "venues": told}
        )

    async def _move_cash(self, request: web.Request) -> web.Response:
        body, world = await request.json(), self._world
        accounts = {
            world.inverse.name: (world.inverse, world.scenario.inverse.account),
            world.linear.name: (world.linear, world.scenario.linear.account),
        }
        if (
            not isinstance(body, dict)
            or body.get("venue") not in accounts
            or type(body.get("units")) is not int
        ):
            raise web.HTTPBadRequest(text=f"the body must be a venue ({', '.join(accounts)}) and units")
        venue, account = accounts[body["venue"]]
        try:
            entry = venue.deposit(account, body["units"])
        except ExchangeRefusal as error:
            raise web.HTTPConflict(text=str(error)) from error
        return web.json_response({"id": entry.entry_id, "wallet": venue.account(account).wallet})

    async def _gap(self, request: web.Request) -> web.Response:
        body = await request.json()
        if not isinstance(body, dict) or type(body.get("ppm")) is not int or body["ppm"] <= -_PPM:
            raise web.HTTPBadRequest(text=f"the body must be ppm, a whole number above -{_PPM}")
        try:
            self._world.gap(body["ppm"])
        except ScenarioError as error:
            raise web.HTTPConflict(text=str(error)) from error
        return web.json_response({"gap": body["ppm"]})

    async def _switch(self, request: web.Request) -> web.Response:
        body = await request.json()
        if not isinstance(body, dict) or not isinstance(body.get("enabled"), bool):
            raise web.HTTPBadRequest(text='the body must be {"enabled": true} or {"enabled": false}')
        for plan in self._faults.values():
            plan.enabled = body["enabled"]
        return web.json_response(self.counts())


def _book(venue: Exchange, account: str) -> dict[str, Any]:
    return {
        "executions": [
            {
                "id": one.exec_id,
                "first": one.first.exec_id,
                "kind": one.kind.value,
                "symbol": one.symbol,
                "client_order_id": one.client_id,
                "side": one.side.value,
                "quantity": one.quantity,
                "price": one.price,
                "cost": one.cost,
                "fee": one.fee,
                "at": one.at.isoformat(),
            }
            for one in venue.executions(account)
        ],
        "orders": [
            {
                "client_order_id": order.client_id,
                "symbol": order.symbol,
                "side": order.side.value,
                "quantity": order.quantity,
                "filled": order.cum,
                "stop": order.stop,
                "live": not order.status.is_final,
            }
            for order in venue.orders(account)
        ],
        "positions": {view.symbol: view.contracts for view in venue.positions(account)},
        "wallet": venue.account(account).wallet,
    }
