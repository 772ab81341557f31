"""The simulated TWS / IB Gateway as a TCP server."""

import asyncio

from adapters.clock import Clock
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.faults import FaultPlan
from adapters.simulator.restating import Restating
from adapters.simulator.tws.contracts import Catalogue
from adapters.simulator.tws.faults import Faults
from adapters.simulator.tws.gateway import Gateway, Timing
from adapters.simulator.tws.hours import HoursStyle
from adapters.simulator.tws.index_service import IndexService
from adapters.simulator.tws.order_log import OrderLogEntry
from adapters.simulator.tws.session import Session
from adapters.simulator.tws.uplink import Uplink
from adapters.simulator.tws.versions import NEWEST, OLDEST

MESSAGES_PER_SECOND = 50
RESTART_TAKES = 0.5
"""Seconds; the real one takes a minute or two."""


class TwsServer:
    """Serves one account of a linear exchange to any client of the broker's socket API.

    ``server_version``: the newest version it speaks (157 to 178). ``faults`` may be changed and ``order_log`` read
    at any time; both outlive a restart. Somebody else drives the exchange's market
    and its ``step``. Raises ValueError for contracts the broker would not offer.
    """

    def __init__(
        self,
        exchange: Exchange,
        clock: Clock,
        account: str = "DU0000001",
        *,
        latency_ms: int = 0,
        tick_interval_ms: int = 250,
        commission_delay_ms: int = 50,
        account_refresh_s: float = 180.0,
        messages_per_second: int = MESSAGES_PER_SECOND,
        server_version: int = NEWEST,
        faults: FaultPlan | None = None,
        hours_style: HoursStyle = HoursStyle.DATED,
        index_service: IndexService = IndexService.LIVE,
    ) -> None:
        if not OLDEST <= server_version <= NEWEST:
            raise ValueError(f"server versions {OLDEST} to {NEWEST} are served, not {server_version}")
        Catalogue(exchange.specs())
        self.faults = Faults(faults or FaultPlan.none(clock))
        self.faults.on_restart(self._restart_soon)
        self.order_log: list[OrderLogEntry] = []
        self._exchange = exchange
        self._clock = clock
        self._account = account
        self._timing = Timing(
            latency_ms / 1000, tick_interval_ms / 1000, commission_delay_ms / 1000, account_refresh_s
        )
        self._rate = messages_per_second
        self._version = server_version
        self._hours_style = hours_style
        self._index_service = index_service
        self._gateway: Gateway | None = None
        self._restating: Restating | None = None
        self._server: asyncio.Server | None = None
        self._sessions: dict[asyncio.Task[None], Session] = {}
        self._address = ("", 0)
        self._restarting: asyncio.Task[None] | None = None

    @property
    def account(self) -> str:
        return self._account

    @property
    def is_running(self) -> bool:
        return self._gateway is not None

    @property
    def clients(self) -> list[int]:
        """The client ids now connected."""
        return [] if self._gateway is None else sorted(link.client_id for link in self._gateway.links)

    async def start(self, host: str, port: int, *, next_order_id: int | None = None) -> int:
        """Listen on ``host``:``port`` (0: any free port) and return the port. Raises OSError if it is taken.

        Opens the account if the exchange has none of that name. ``next_order_id``: forget which order ids
        were used and begin there, as a restarted gateway may; else ids go on rising.
        """
        if self._server is not None:
            raise RuntimeError("the server is running already")
        server = await asyncio.start_server(self._connected, host, port)
        self._exchange.open_account(self._account)
        self._gateway = Gateway(
            self._exchange,
            self._clock,
            self._account,
            self._timing,
            self.faults,
            self.order_log.append,
            next_order_id,
            self._hours_style,
            self._index_service,
        )
        self._restating = Restating(self._exchange, self._account, self.faults.plan)
        self._server = server
        self._address = host, int(server.sockets[0].getsockname()[1])
        return self._address[1]

    async def stop(self) -> None:
        """Close every link and the port; nothing is left running. Orders stay at the exchange. Idempotent."""
        restarting = self._restarting
        if restarting is not None and restarting is not asyncio.current_task():
            self._restarting = None
            restarting.cancel()
            await asyncio.gather(restarting, return_exceptions=True)
        server, self._server = self._server, None
        gateway, self._gateway = self._gateway, None
        restating, self._restating = self._restating, None
        if server is not None:
            server.close()
        self.drop_links()
        await asyncio.gather(*self._sessions, return_exceptions=True)
        if gateway is not None:
            gateway.close()
        if restating is not None:
            restating.close()
        if server is not None:
            await server.wait_closed()

    @property
    def uplink(self) -> Uplink:
        """The gateway's lines to the broker, to be cut and mended. Raises RuntimeError while it is stopped."""
        if self._gateway is None:
            raise RuntimeError("the server is not running")
        return self._gateway.uplink

    def drop_links(self) -> None:
        """Break all links off now; clients may connect again."""
        for session in self._sessions.values():
            session.drop()

    def _restart_soon(self) -> None:
        if self._restarting is None:
            self._restarting = asyncio.get_running_loop().create_task(self._restart())

    async def _restart(self) -> None:
        """End all links, be away for a moment, and come back with the ids of finished orders forgotten."""
        await self.stop()
        await asyncio.sleep(RESTART_TAKES)
        await self.start(*self._address, next_order_id=1)
        self._restarting = None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gateway, task = self._gateway, asyncio.current_task()
        if gateway is None or task is None:
            writer.close()
            return
        session = Session(gateway, reader, writer, self._version, self._rate)
        self._sessions[task] = session
        try:
            await session.serve()
        finally:
            del self._sessions[task]
