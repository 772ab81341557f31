"""One client's link: handshake, start of the API, then requests until either side ends it."""

import asyncio
from collections import deque
from contextlib import suppress
from enum import Enum

from adapters.simulator.outlet import Outlet
from adapters.simulator.tws import messages
from adapters.simulator.tws.api_errors import ID_IN_USE, MAX_RATE, NO_ID, ApiError, Refuse, unreadable
from adapters.simulator.tws.gateway import Gateway
from adapters.simulator.tws.handlers import HANDLERS, START_API, about
from adapters.simulator.tws.hours import stamp
from adapters.simulator.tws.messages import Fields
from adapters.simulator.tws.versions import UnsupportedVersion, negotiate
from adapters.simulator.tws.wire import GREETING, Malformed, Reader, frame, length, split

MAX_UNREAD = 4 * 1024 * 1024
"""Bytes a client may leave unread before its link is cut."""

MAX_RATE_OFFENCES = 3


class _Rate(Enum):
    FINE = "fine"
    TOO_FAST = "too fast"
    HOPELESS = "hopeless"


class Session:
    """Serves one connection. ``rate``: messages a second a client may send; beyond it they are lost."""

    def __init__(
        self,
        gateway: Gateway,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        newest: int,
        rate: int,
    ) -> None:
        self._gateway = gateway
        self._reader = reader
        self._writer = writer
        self._newest = newest
        self._rate = rate
        self._recent: deque[float] = deque()
        self._offences = 0
        self._version = 0
        self._client_id = -1
        self._outlet = Outlet(self.send, self.drop, gateway.faults.plan, lambda fields: fields[0])

    @property
    def client_id(self) -> int:
        return self._client_id

    @property
    def version(self) -> int:
        return self._version

    def send(self, fields: Fields) -> None:
        if self._gateway.faults.is_hung(self._gateway.clock.now()) or self._writer.is_closing():
            return
        self._writer.write(frame(fields))
        if self._writer.transport.get_write_buffer_size() > MAX_UNREAD:
            self.drop()

    def tell(self, fields: Fields) -> None:
        self._outlet.tell(fields)

    def drop(self) -> None:
        self._writer.transport.abort()

    async def serve(self) -> None:
        """Serve until the client leaves, the link breaks, or the client's bytes are no message."""
        try:
            await self._handshake()
            if await self._start_api():
                await self._requests()
        except (asyncio.IncompleteReadError, ConnectionError, Malformed, UnsupportedVersion):
            pass  # the link ends, as the broker's does, without a word
        finally:
            self._outlet.close()
            self._gateway.forget(self)
            self._writer.close()
            with suppress(ConnectionError):
                await self._writer.wait_closed()

    async def _message(self) -> list[str]:
        body = await self._reader.readexactly(length(await self._reader.readexactly(4)))
        return split(body)

    async def _handshake(self) -> None:
        if await self._reader.readexactly(len(GREETING)) != GREETING:
            raise Malformed("no greeting")
        offer = await self._reader.readexactly(length(await self._reader.readexactly(4)))
        self._version = negotiate(offer.decode("ascii", errors="replace"), self._newest)
        self.send([self._version, stamp(self._gateway.clock.now())])

    async def _start_api(self) -> bool:
        fields = await self._message()
        reader = Reader(fields)
        if reader.integer("message") != START_API:
            raise Malformed("the API has not been started")
        reader.skip("version")
        self._client_id = reader.integer("clientId")
        if not self._gateway.links.add(self):
            self._say(NO_ID, ID_IN_USE)
            return False
        self.send(messages.managed_accounts(self._gateway.account))
        self.send(messages.next_valid_id(self._gateway.desk.next_id(self._client_id)))
        for notice in self._gateway.uplink.greeting():
            self._say(NO_ID, notice)
        return True

    async def _requests(self) -> None:
        while True:
            try:
                fields = await self._message()
            except Malformed as error:
                self._say(NO_ID, unreadable(f"Cannot read the message: {error}"))
                raise
            rate = self._count()
            if rate is _Rate.FINE:
                self._dispatch(fields)
                continue
            self._say(NO_ID, MAX_RATE)
            if rate is _Rate.HOPELESS:
                return

    def _dispatch(self, fields: list[str]) -> None:
        self._gateway.faults.meet_message()
        handler = HANDLERS.get(int(fields[0])) if fields[0].isdecimal() else None
        if handler is None:
            self._say(NO_ID, unreadable(f"Unknown message: {fields[0][:20]!r}"))
            return
        try:
            handler(self._gateway, self, Reader(fields[1:]))
        except Malformed as error:
            self._say(about(fields), unreadable(f"Cannot read message {fields[0]}: {error}"))
        except Refuse as refusal:
            self._say(about(fields), refusal.error)

    def _say(self, req_id: int, error: ApiError) -> None:
        self.send(messages.error(self._version, req_id, error))

    def _count(self) -> _Rate:
        now = self._gateway.clock.monotonic()
        while self._recent and now - self._recent[0] >= 1:
            self._recent.popleft()
        if len(self._recent) < self._rate:
            self._recent.append(now)
            return _Rate.FINE
        self._offences += 1
        return _Rate.HOPELESS if self._offences >= MAX_RATE_OFFENCES else _Rate.TOO_FAST
