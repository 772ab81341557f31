"""Shadow: everything on live quotes, except send.

Orders leave through ``Venue.submit`` alone, so that is where they are stopped: what would have been sent is refused as
certainly not sent, which the ledger records word for word, and so nothing can fill. Cancels are not sent either: they
could only meet what others have placed. A shadow has a name and a data folder of its own: neither its ledger nor its
latch is the instance's.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import structlog

from adapters.errors import NotSent
from adapters.venue import Capabilities, Sink, Venue
from config.settings import Settings
from risk.approval import Approved
from risk.instruments import Instrument, InstrumentId
from risk.orders import Bust, CashFlow, CommissionReport, Fill, OrderRequest, OrderUpdate
from risk.portfolio import Account, MarginImpact, Position

log = structlog.get_logger("shadow")

SUFFIX = "-shadow"


def settings_of(settings: Settings) -> Settings:
    """Return the settings under which an instance's shadow runs."""
    ledger = settings.ledger
    if ledger.path.is_absolute():
        ledger = ledger.model_copy(update={"path": ledger.path.with_stem(ledger.path.stem + SUFFIX)})
    return settings.model_copy(
        update={
            "instance": settings.instance + SUFFIX,
            "data_dir": settings.data_dir.with_name(settings.data_dir.name + SUFFIX),
            "ledger": ledger,
        }
    )


class ShadowVenue:
    """A venue that is asked and listened to, and sent nothing. Everything it passes on stands here by name."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    async def submit(self, order: Approved) -> OrderUpdate:
        request = order.request
        text = (
            f"would have been sent: {request.side} {request.quantity} {request.instrument} at {request.price}"
        )
        log.warning(f"shadow: {text}", order=request.client_order_id, purpose=order.purpose)
        raise NotSent(self.name, "shadow", f"shadow: {text}")

    async def cancel(self, instrument: InstrumentId, client_order_id: str) -> None:
        log.warning(f"shadow: would have cancelled {client_order_id}")

    async def cancel_all(self) -> None:
        log.warning("shadow: would have cancelled every order of the account")

    async def arm_dead_mans_switch(self, timeout_ms: int) -> None:
        log.warning("shadow: would have armed the dead man's switch")

    async def disarm_dead_mans_switch(self) -> None:
        log.warning("shadow: would have disarmed the dead man's switch")

    @property
    def name(self) -> str:
        return self._venue.name

    @property
    def capabilities(self) -> Capabilities:
        return self._venue.capabilities

    @property
    def complaints(self) -> list[str]:
        return self._venue.complaints

    @property
    def rate_left(self) -> Decimal | None:
        return self._venue.rate_left

    @property
    def order_wait(self) -> float:
        return self._venue.order_wait

    async def connect(self, symbols: Sequence[str], sink: Sink) -> None:
        await self._venue.connect(symbols, sink)

    async def close(self) -> None:
        await self._venue.close()

    def instrument(self, symbol: str) -> Instrument:
        return self._venue.instrument(symbol)

    async def order(self, instrument: InstrumentId, client_order_id: str) -> OrderUpdate | None:
        return await self._venue.order(instrument, client_order_id)

    async def open_orders(self) -> list[OrderUpdate]:
        return await self._venue.open_orders()

    async def fills(self, since: datetime) -> list[Fill]:
        return await self._venue.fills(since)

    async def busts(self, since: datetime) -> list[Bust]:
        return await self._venue.busts(since)

    async def commissions(self, since: datetime) -> list[CommissionReport]:
        return await self._venue.commissions(since)

    async def positions(self) -> list[Position]:
        return await self._venue.positions()

    async def account(self) -> Account:
        return await self._venue.account()

    async def what_if(self, request: OrderRequest) -> MarginImpact | None:
        return await self._venue.what_if(request)

    async def cash_flows(self, since: datetime) -> list[CashFlow]:
        return await self._venue.cash_flows(since)
