"""The adapter, connected to a scripted gateway."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from adapters.ibkr.venue import IbkrVenue
from risk.orders import OrderUpdate, Side
from tests import patient
from tests.integration.ibkr_adapter_bench import MBT, Heard, approved, settings
from tests.integration.ibkr_scripted_gateway import Answer, ScriptedGateway, scripted


@dataclass
class Scene:
    gateway: ScriptedGateway
    venue: IbkrVenue
    heard: Heard

    async def submit(self, name: str = "p1", quantity: int = 5) -> OrderUpdate:
        instrument = self.venue.instrument(MBT.symbol)
        return await self.venue.submit(
            approved(instrument, patient.Clock(), name, Side.BUY, quantity, 100_005)
        )

    def order_id(self) -> str:
        return self.gateway.orders()[-1][1]


@asynccontextmanager
async def scene(*, changes: dict[str, Any] | None = None, **answers: Answer) -> AsyncIterator[Scene]:
    async with scripted(**answers) as gateway:
        venue, heard = IbkrVenue(settings(gateway.port, **(changes or {})), patient.Clock()), Heard()
        try:
            await venue.connect([MBT.symbol], heard)
            yield Scene(gateway, venue, heard)
        finally:
            await venue.close()


def accepting(gateway: ScriptedGateway, message: list[str]) -> None:
    gateway.status(message[1], "Submitted")


def run(test: Callable[[], Any]) -> None:
    patient.run(test())
