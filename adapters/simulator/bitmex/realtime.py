"""The websocket: one session a connection, its commands, and its outgoing queue."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from decimal import Decimal
from typing import Any

from aiohttp import WSMsgType, web

from adapters.simulator.bitmex.answer import refusal_answer
from adapters.simulator.bitmex.auth import ApiKey, Permission, check_signature
from adapters.simulator.bitmex.errors import ApiError
from adapters.simulator.bitmex.faults import Faults
from adapters.simulator.bitmex.outlet import Outlet, Write
from adapters.simulator.bitmex.publisher import Publisher, Topic
from adapters.simulator.bitmex.ratelimit import RateLimiter
from adapters.simulator.bitmex.recorder import Recorder
from adapters.simulator.bitmex.state import VenueState
from adapters.simulator.bitmex.switch import DeadMansSwitch
from adapters.simulator.bitmex.tables import TABLES
from adapters.simulator.bitmex.venue_rows import INDICES
from adapters.simulator.bitmex.wire import dumps, loads

PATH = "/realtime"
_DOCS = "https://www.bitmex.com/app/wsAPI"
_PRIVATE = ",".join(sorted(name for name, table in TABLES.items() if table.private))


class Refusal(Exception):
    """A command the venue refuses: status, words, and what goes into ``meta``."""

    def __init__(self, status: int, error: str, **meta: Any) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.meta = meta


class Session:
    """One websocket: who it is, what it wants, and its way out."""

    def __init__(self, outlet: Outlet, cut: Callable[[], None]) -> None:
        self._outlet = outlet
        self._topics: dict[str, Topic] = {}
        self.authenticated = False
        self.cut = cut

    @property
    def topics(self) -> Iterable[Topic]:
        return self._topics.values()

    def has(self, name: str) -> bool:
        return name in self._topics

    def add(self, name: str, topic: Topic) -> None:
        self._topics[name] = topic

    def remove(self, name: str) -> None:
        del self._topics[name]

    def send(self, text: str) -> None:
        self._outlet.send(text)

    def tell(self, table: str, text: str) -> None:
        self._outlet.tell(table, text)


class Realtime:
    """Accepts websockets at ``/realtime`` and carries out their commands."""

    def __init__(
        self,
        state: VenueState,
        publisher: Publisher,
        key: ApiKey,
        limiter: RateLimiter,
        switch: DeadMansSwitch,
        faults: Faults,
        recorder: Recorder | None = None,
    ) -> None:
        self._recorder = recorder
        self._state = state
        self._publisher = publisher
        self._key = key
        self._limiter = limiter
        self._switch = switch
        self._faults = faults
        self._sessions: set[Session] = set()

    def drop_all(self) -> int:
        """Cut every connection now; return how many there were."""
        sessions = list(self._sessions)
        for session in sessions:
            session.cut()
        return len(sessions)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        try:
            self._limiter.connect()
        except ApiError as error:
            return refusal_answer(error)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        cut = _cutter(request.transport)
        outlet = Outlet(self._recorded(socket.send_str), cut, self._faults)
        session = Session(outlet, cut)
        self._sessions.add(session)
        self._publisher.join(session)
        pump = asyncio.create_task(outlet.pump())
        try:
            session.send(dumps(self._welcome()))
            self._connect(session, request)
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._receive(session, message.data)
        finally:
            self._publisher.leave(session)
            self._sessions.discard(session)
            outlet.close()
            pump.cancel()
            with suppress(asyncio.CancelledError):
                await pump
        return socket

    def _recorded(self, write: Write) -> Write:
        recorder = self._recorder
        if recorder is None:
            return write

        async def recorded(text: str) -> None:
            recorder.told(text)
            await write(text)

        return recorded

    def _welcome(self) -> dict[str, Any]:
        return {
            "info": "Welcome to the BitMEX Realtime API.",
            "version": "2.0.0",
            "timestamp": self._state.clock.now(),
            "docs": _DOCS,
            "heartbeatEnabled": False,
            "limit": {"remaining": self._limiter.connections_left},
        }

    def _connect(self, session: Session, request: web.Request) -> None:
        """Carry out what came with the connection itself: a signature, topics in ``subscribe``."""
        names = ("api-key", "api-expires", "api-signature")
        given = {name: request.headers.get(name) or request.query.get(name) for name in names}
        if any(given.values()):
            arguments = [given[name] or "" for name in names]
            self._run(session, {"op": "authKeyExpires", "args": arguments})
        if topics := request.query.get("subscribe"):
            self._run(session, {"op": "subscribe", "args": topics.split(",")})

    def _receive(self, session: Session, text: str) -> None:
        if text == "ping":
            session.send("pong")
            return
        if text == "help" or text == '"help"':
            session.send(dumps({"info": f"See {_DOCS} for documentation."}))
            return
        try:
            command = loads(text)
        except ValueError as error:
            refused = {
                "status": 400,
                "error": f"Unexpected token in JSON: {error}",
                "meta": {},
                "request": text,
            }
            session.send(dumps(refused))
            return
        self._run(session, command)

    def _run(self, session: Session, command: Any) -> None:
        try:
            if not isinstance(command, dict) or not isinstance(command.get("op"), str):
                raise Refusal(400, f"Unrecognized request. See {_DOCS} for documentation.")
            self._carry_out(session, command)
        except Refusal as error:
            session.send(_refused(error, command))

    def _carry_out(self, session: Session, command: dict[str, Any]) -> None:
        arguments = command.get("args", [])
        arguments = arguments if isinstance(arguments, list) else [arguments]
        match command["op"]:
            case "subscribe":
                self._limit()
                for name in arguments:
                    self._each(session, command, name, self._subscribe)
            case "unsubscribe":
                for name in arguments:
                    self._each(session, command, name, self._unsubscribe)
            case "authKeyExpires":
                self._authenticate(session, arguments)
                session.send(dumps({"success": True, "request": command}))
            case "cancelAllAfter":
                session.send(dumps({**self._cancel_all_after(session, arguments), "request": command}))
            case "ping":
                session.send("pong")
            case operation:
                raise Refusal(400, f"Unknown or unsupported op: {operation}")

    def _each(self, session: Session, command: dict[str, Any], name: Any, carry_out: Any) -> None:
        """Carry out a command for one topic; a wrong topic does not stop the others."""
        try:
            if not isinstance(name, str):
                raise Refusal(400, "A topic must be a string.")
            carry_out(session, command, name)
        except Refusal as error:
            session.send(_refused(error, command))

    def _subscribe(self, session: Session, command: dict[str, Any], name: str) -> None:
        topic = self._topic(name)
        if topic.table.private and not session.authenticated:
            raise Refusal(
                401,
                "User requested an account-locked subscription but no authorization was provided.",
                notes=f"Account-locked tables include the following: {_PRIVATE}",
            )
        if session.has(name):
            raise Refusal(400, f"You are already subscribed to this topic: {name}")
        session.send(dumps({"success": True, "subscribe": name, "request": command}))
        session.send(self._publisher.partial(topic))
        session.add(name, topic)

    def _unsubscribe(self, session: Session, command: dict[str, Any], name: str) -> None:
        if not session.has(name):
            raise Refusal(400, f"You are not subscribed to this topic: {name}")
        session.remove(name)
        session.send(dumps({"success": True, "unsubscribe": name, "request": command}))

    def _topic(self, name: str) -> Topic:
        table_name, colon, symbol = name.partition(":")
        table = TABLES.get(table_name)
        if table is None:
            raise Refusal(400, f"Unknown table: {table_name}")
        if not colon:
            return Topic(table, None)
        found = self._state.symbols(symbol) if symbol and table.by_symbol else []
        if table.name == "instrument" and symbol.upper() in INDICES:
            found = [symbol.upper()]
        if not found:
            raise Refusal(400, "Unknown or expired symbol.")
        return Topic(table, found[0])

    def _authenticate(self, session: Session, arguments: list[Any]) -> None:
        if session.authenticated:
            raise Refusal(400, "This connection is already authenticated.")
        if len(arguments) != 3:
            raise Refusal(400, "authKeyExpires takes a key, an expiry and a signature.")
        key_id, expires, signed = (str(argument) for argument in arguments)
        try:
            check_signature(
                self._key,
                key_id=key_id,
                signed=signed,
                verb="GET",
                path=PATH,
                expires=expires,
                body=b"",
                now=self._state.clock.now(),
            )
        except ApiError as error:
            raise Refusal(error.status, error.message) from error
        session.authenticated = True

    def _cancel_all_after(self, session: Session, arguments: list[Any]) -> dict[str, Any]:
        if not session.authenticated:
            raise Refusal(401, "Authorization Required")
        if not self._key.may(Permission.ORDER_CANCEL):
            raise Refusal(403, "Access Denied")
        self._limit()
        timeout = arguments[0] if len(arguments) == 1 else None
        if not isinstance(timeout, int | Decimal) or isinstance(timeout, bool) or timeout < 0:
            raise Refusal(400, "timeout is invalid")
        return self._switch.arm(Decimal(timeout))

    def _limit(self) -> None:
        try:
            self._limiter.admit(signed=True, second_layer=False, exempt=False)
        except ApiError as error:
            raise Refusal(429, error.message, retryAfter=int(error.headers["retry-after"])) from error


def _cutter(transport: asyncio.Transport | None) -> Callable[[], None]:
    """Return what drops a connection at once, without a closing handshake."""

    def cut() -> None:
        if transport is not None:
            transport.abort()

    return cut


def _refused(error: Refusal, command: Any) -> str:
    return dumps({"status": error.status, "error": error.error, "meta": error.meta, "request": command})
