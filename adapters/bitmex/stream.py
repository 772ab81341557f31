"""The websocket: log in, subscribe, keep it alive, and come back for ever when it breaks."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import aiohttp
import structlog

from adapters.bitmex import wire
from adapters.bitmex.settings import BitmexSettings
from adapters.bitmex.signature import signature
from adapters.bitmex.tables import Distrusted
from adapters.bitmex.wire import Malformed, Row
from adapters.clock import Clock
from adapters.errors import Misconfigured, Unreachable, VenueError
from adapters.venue import LinkState

SIGNED_PATH = "/realtime"
LARGEST_MESSAGE = 16 * 2**20
CLOSE_WITHIN = 1.0

_log = structlog.get_logger("adapters.bitmex")


class Reader(Protocol):
    """Who makes sense of the tables."""

    @property
    def topics(self) -> Sequence[str]: ...

    @property
    def optional(self) -> Sequence[str]: ...

    @property
    def missing(self) -> frozenset[str]: ...

    def refused(self, topic: str, why: str) -> None: ...

    def start(self) -> None: ...

    def apply(self, message: Row) -> None: ...


class Broken(Exception):
    """The connection is lost, or cannot be trusted any more."""


class Stream:
    """One websocket at a time. ``told`` hears of every change of the link after the first ``open``; ``catch_up``
    fetches what was missed while there was none."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        settings: BitmexSettings,
        clock: Clock,
        reader: Reader,
        told: Callable[[LinkState, str], None],
        catch_up: Callable[[], Awaitable[None]],
    ) -> None:
        self._session = session
        self._settings = settings
        self._clock = clock
        self._reader = reader
        self._told = told
        self._catch_up = catch_up
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._is_up = False

    async def open(self) -> None:
        """Connect, log in, subscribe and wait for every snapshot. Raises Unreachable or Misconfigured."""
        name = self._settings.name
        try:
            async with asyncio.timeout(self._settings.connect_timeout):
                await self._open()
        except TimeoutError as error:
            missing = ", ".join(sorted(self._reader.missing))
            await self.close()
            raise Unreachable(name, "open the stream", f"timed out; no snapshot of {missing}") from error
        except (Broken, Malformed, Distrusted, aiohttp.ClientError, OSError) as error:
            await self.close()
            raise Unreachable(name, "open the stream", _words(error)) from error
        except BaseException:
            await self.close()
            raise

    async def keep(self) -> None:
        """Serve the open stream; when it breaks tell DOWN, come back, catch up, tell UP. Never returns."""
        settings = self._settings
        serve, delay = self._read_on, settings.reconnect_first
        self._is_up = True
        while True:
            began = self._clock.monotonic()
            try:
                await serve()
            except (VenueError, Broken, Malformed, Distrusted, aiohttp.ClientError, OSError) as error:
                detail = _words(error)
            except Exception as error:  # noqa: BLE001
                # Not even a fault of ours may leave the bot without a link: a new snapshot tells it all again.
                _log.exception("bitmex.stream_fault")
                detail = _words(error)
            await self.close()
            _log.warning("bitmex.no_link", detail=detail)
            self._tell(LinkState.DOWN, detail)
            if self._clock.monotonic() - began >= settings.stable_after:
                delay = settings.reconnect_first
            await asyncio.sleep(delay)
            serve, delay = self._come_back, min(2 * delay, settings.reconnect_at_most)

    async def close(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close()

    async def _open(self) -> None:
        self._reader.start()
        self._socket = await self._session.ws_connect(
            self._settings.ws_url,
            max_msg_size=LARGEST_MESSAGE,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_WITHIN),
        )
        await self._answer_to("info")
        expires = int(self._clock.now().timestamp()) + self._settings.signature_life
        proof = signature(self._settings.api_secret, "GET", SIGNED_PATH, expires)
        await self._send("authKeyExpires", [self._settings.api_key, expires, proof])
        await self._answer_to("success")
        await self._send("subscribe", list(self._reader.topics))
        while self._reader.missing:
            self._take(await self._receive())
        for topic in self._reader.optional:
            # One by one: a refusal says what was asked, and no more.
            await self._send("subscribe", [topic])

    async def _answer_to(self, sign: str) -> None:
        """Wait for the message that has the field ``sign``; raise on one that is an error."""
        while True:
            message = wire.row(wire.decode(await self._receive()))
            self._raise_error_in(message)
            if sign in message:
                return

    async def _read_on(self) -> None:
        while True:
            self._take(await self._receive())

    async def _come_back(self) -> None:
        """Open again, and go on reading while what was missed is fetched: a fill that comes now cannot wait."""
        await self.open()
        reading = asyncio.create_task(self._read_on())
        catching_up = asyncio.create_task(self._catch_up_and_tell())
        try:
            await asyncio.wait({reading, catching_up}, return_when=asyncio.FIRST_COMPLETED)
            if catching_up.done():
                catching_up.result()
                await reading
            reading.result()
        finally:
            for task in (reading, catching_up):
                task.cancel()
            await asyncio.gather(reading, catching_up, return_exceptions=True)

    async def _catch_up_and_tell(self) -> None:
        await self._catch_up()
        self._tell(LinkState.UP, "")

    def _tell(self, state: LinkState, detail: str) -> None:
        """Tell a change of the link, once."""
        if self._is_up == (state is LinkState.UP):
            return
        self._is_up = state is LinkState.UP
        try:
            self._told(state, detail)
        except Exception:  # noqa: BLE001 - the link outlives whoever listens
            _log.exception("bitmex.link_change_not_taken", state=state)

    def _take(self, text: str) -> None:
        message = wire.row(wire.decode(text))
        if "table" in message:
            try:
                self._reader.apply(message)
            except (Malformed, Distrusted) as error:
                _log.error("bitmex.message_distrusted", table=message.get("table"), fault=str(error))
                raise
        else:
            self._raise_error_in(message)

    async def _receive(self) -> str:
        """Return the next message; keep the silent link honest with pings. Raises Broken."""
        socket = self._open_socket()
        has_pinged = False
        while True:
            try:
                patience = self._settings.pong_within if has_pinged else self._settings.ping_after
                message = await socket.receive(timeout=patience)
            except TimeoutError:
                if has_pinged:
                    raise Broken(f"no pong within {self._settings.pong_within} s") from None
                await socket.send_str("ping")
                has_pinged = True
                continue
            if message.type is not aiohttp.WSMsgType.TEXT:
                raise Broken(f"closed by the venue: {message.type.name} {message.data or ''}".rstrip())
            if message.data != "pong":
                return str(message.data)
            has_pinged = False

    async def _send(self, operation: str, arguments: Sequence[object]) -> None:
        await self._open_socket().send_str(json.dumps({"op": operation, "args": arguments}))

    def _open_socket(self) -> aiohttp.ClientWebSocketResponse:
        if self._socket is None:
            raise Broken("the stream is closed")
        return self._socket

    def _raise_error_in(self, message: Row) -> None:
        if "error" not in message:
            return
        detail, status = str(message["error"]), message.get("status")
        if (topic := self._optional(message.get("request"))) is not None:
            self._reader.refused(topic, detail)
            return
        if status in (400, 401, 403):
            raise Misconfigured(self._settings.name, "open the stream", detail, code=str(status))
        raise Broken(f"{detail} (status {status})")

    def _optional(self, request: object) -> str | None:
        """Return which optional topic a request was for, if it was for one."""
        arguments = request.get("args") if isinstance(request, dict) else None
        topic = arguments[0] if isinstance(arguments, list) and len(arguments) == 1 else None
        return topic if isinstance(topic, str) and topic in self._reader.optional else None


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
