"""Between the venues' streams and the engine's inbox: nothing is taken before the bot is ready for it."""

from collections.abc import Callable

from adapters.venue import VenueEvent
from bot.model.ids import FLATTEN_PREFIX
from risk.orders import Fill, OrderUpdate


class Valve:
    """Holds events back until ``open``. ``adopt`` is called before the first word on an order of the emergency
    command, so that its journal is in the ledger before its fills are."""

    def __init__(self, engine_hears: Callable[[VenueEvent], None], adopt: Callable[[], None]) -> None:
        self._hear = engine_hears
        self._adopt = adopt
        self._held: list[VenueEvent] | None = []

    def hear(self, event: VenueEvent) -> None:
        if self._held is not None:
            self._held.append(event)
            return
        if isinstance(event, Fill | OrderUpdate) and (event.client_order_id or "").startswith(FLATTEN_PREFIX):
            self._adopt()
        self._hear(event)

    def open(self) -> None:
        """Let through what was held, in order, and everything from now on."""
        held, self._held = self._held or [], None
        for event in held:
            self.hear(event)
