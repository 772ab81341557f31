"""The simulated BitMEX: HTTP at ``/api/v1`` and websocket at ``/realtime``, over one exchange core."""

import asyncio
from collections.abc import Sequence
from email.utils import format_datetime
from typing import Any

from aiohttp import web

from adapters.clock import Clock
from adapters.simulator.bitmex.answer import json_answer
from adapters.simulator.bitmex.auth import ApiKey, Permission, authenticate
from adapters.simulator.bitmex.errors import ApiError, invalid, not_found, overloaded
from adapters.simulator.bitmex.faults import Faults
from adapters.simulator.bitmex.feed import Feed
from adapters.simulator.bitmex.history import BinWatch
from adapters.simulator.bitmex.order_actions import LoggedOrder, OrderActions
from adapters.simulator.bitmex.params import Params, parse_body
from adapters.simulator.bitmex.publisher import Publisher
from adapters.simulator.bitmex.ratelimit import Limits, RateLimiter
from adapters.simulator.bitmex.realtime import PATH as REALTIME
from adapters.simulator.bitmex.realtime import Realtime
from adapters.simulator.bitmex.recorder import Recorder
from adapters.simulator.bitmex.route import Route
from adapters.simulator.bitmex.routes import routes
from adapters.simulator.bitmex.state import VenueState
from adapters.simulator.bitmex.switch import DeadMansSwitch
from adapters.simulator.exchange.contract import ContractKind
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.faults import FaultKind, FaultPlan
from adapters.simulator.restating import Restating

BASE = "/api/v1"
ACCOUNT_NUMBER = 1_234_567


class BitmexServer:
    """Serves one account of an exchange core to whoever holds its key.

    ``account`` is the account's name in the core, opened if it is new. ``latency_ms`` is how long an order,
    amend or cancel takes to reach the matching engine; ``sheds_load``: new orders meet 503 when prices run;
    ``recorder`` is told every answer and message. Everything is in memory and lives as long as the object:
    ``stop`` releases the sockets and forgets nothing, ``start`` serves again.
    """

    def __init__(
        self,
        exchange: Exchange,
        clock: Clock,
        *,
        api_key: str,
        api_secret: str,
        account: str = "client",
        permissions: Sequence[Permission] = (Permission.ORDER,),
        limits: Limits | None = None,
        latency_ms: int = 0,
        sheds_load: bool = False,
        faults: FaultPlan | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        if exchange.rules.kind is not ContractKind.INVERSE:
            raise ValueError(f"{exchange.name} is no inverse venue: BitMEX cannot be served over it")
        exchange.open_account(account)
        self._clock = clock
        self._key = ApiKey(api_key, api_secret, tuple(permissions))
        self._limiter = RateLimiter(clock, limits or Limits())
        self._faults = Faults(faults or FaultPlan.none(clock))
        self._state = VenueState(exchange, clock, account, ACCOUNT_NUMBER)
        bins = BinWatch(self._state.market, self._state.symbols(), clock.now())
        publisher = Publisher(self._state, bins)
        exchange.subscribe(Feed(self._state, publisher, self._faults, bins))
        self._switch = DeadMansSwitch(self._state)
        self._actions = OrderActions(self._state)
        self._routes = routes(self._state, self._key, self._actions, self._switch)
        self._realtime = Realtime(
            self._state, publisher, self._key, self._limiter, self._switch, self._faults, recorder
        )
        self._faults.on_drop(self._realtime.drop_all)
        self._restating: Restating | None = None
        self._runner: web.AppRunner | None = None
        self.latency_ms = latency_ms
        self._exchange = exchange
        self._sheds_load = sheds_load
        self._recorder = recorder

    @property
    def faults(self) -> Faults:
        return self._faults

    @property
    def order_log(self) -> Sequence[LoggedOrder]:
        """Every order accepted over the wire, in the order of acceptance."""
        return tuple(self._actions.log)

    @property
    def served(self) -> Sequence[tuple[str, str]]:
        """Every verb and path (below ``/api/v1``) that is answered."""
        return tuple(sorted(self._routes))

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; return the port bound (0 asks for a free one). Raises OSError if the port is taken."""
        if self._runner is not None:
            raise RuntimeError("the server is running already")
        app = web.Application()
        app.router.add_get(REALTIME, self._realtime.handle)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self._restating = Restating(self._exchange, self._state.account, self._faults.plan)
        bound: int = runner.addresses[0][1]
        return bound

    async def stop(self) -> None:
        """Cut all connections and release everything. Idempotent."""
        runner, self._runner = self._runner, None
        self._switch.stop()
        restating, self._restating = self._restating, None
        if runner is not None:
            self._realtime.drop_all()
            await runner.cleanup()
        if restating is not None:
            restating.close()

    async def _handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        path = request.path.removeprefix(BASE) if request.path.startswith(BASE) else ""
        route = self._routes.get((request.method, path))
        headers: dict[str, str] = {}
        try:
            headers = self._admit(request, route, body)
            payload = await self._answer(request, route, body)
            response = json_answer(200, payload, headers)
        except ApiError as error:
            response = json_answer(error.status, error.body(), {**headers, **error.headers})
        # What is told is the moment of the answer, in whole seconds; how long it then takes is the network's affair.
        response.headers["Date"] = format_datetime(self._clock.now(), usegmt=True)
        if self._faults.answer_delay_ms:
            await asyncio.sleep(self._faults.answer_delay_ms / 1000)
        await self._faults.hang()
        is_heard = request.transport is not None and not request.transport.is_closing()
        if self._recorder is not None and is_heard:
            self._recorder.answered(request.method, path, response.status, response.text or "null")
        return response

    def _admit(self, request: web.Request, route: Route | None, body: bytes) -> dict[str, str]:
        """Authenticate, count the request, check its rights; return the rate limit's headers."""
        second_layer, exempt = (route.second_layer, route.exempt) if route else (False, False)
        self._limiter.check_ban()
        try:
            signed = authenticate(
                self._key, request.headers, request.method, request.raw_path, body, self._clock.now()
            )
        except ApiError:
            self._limiter.admit(signed=False, second_layer=False, exempt=False)
            raise
        if signed:
            self._meet_faults(second_layer and not exempt)
        headers = self._limiter.admit(signed=signed, second_layer=second_layer, exempt=exempt)
        if route is not None and route.private and not signed:
            raise ApiError(401, "Authorization Required", headers=headers)
        if route is not None and route.permission is not None and not self._key.may(route.permission):
            raise ApiError(403, "Access Denied", headers=headers)
        return headers

    def _meet_faults(self, may_be_limited: bool) -> None:
        plan = self._faults.plan
        plan.lasting(FaultKind.HUNG)
        if plan.strikes(FaultKind.BANNED):
            self._limiter.ban(plan.rates.lasting(FaultKind.BANNED).total_seconds())
        self._limiter.check_ban()
        if may_be_limited and plan.strikes(FaultKind.RATE_LIMITED):
            self._limiter.drain()

    async def _answer(self, request: web.Request, route: Route | None, body: bytes) -> Any:
        if route is None:
            raise not_found()
        params = Params({**request.query, **parse_body(body, request.content_type)})
        fault = self._faults.of_order(is_new=route.places) if route.acts else None
        shed = route.places and self._sheds_load and self._exchange.overloaded()
        if shed or fault is FaultKind.OVERLOADED:
            raise overloaded()
        if fault is FaultKind.REFUSED:
            raise invalid("Value of position and orders exceeds position Risk Limit")
        if route.acts and self.latency_ms:
            await asyncio.sleep(self.latency_ms / 1000)
        if fault is FaultKind.LOST:
            _cut(request)
            return {}
        payload = route.answer(params)
        if fault is FaultKind.UNANSWERED:
            _cut(request)
        return payload


def _cut(request: web.Request) -> None:
    """Let the connection die before the answer."""
    if request.transport is not None:
        request.transport.abort()
