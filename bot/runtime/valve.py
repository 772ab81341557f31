"""Between the venues' streams and the engine's inbox: nothing is taken before the bot is ready for it."""

from collections.abc import Callable

from adapters.venue import VenueEvent


class Valve:
    """Holds events back until ``open``."""

    def __init__(self, engine_hears: Callable[[VenueEvent], None]) -> None:
        self._hear = engine_hears
        self._held: list[VenueEvent] | None = []

    def hear(self, event: VenueEvent) -> None:
        if self._held is not None:
            self._held.append(event)
        else:
            self._hear(event)

    def open(self) -> None:
        """Let through what was held, in order, and everything from now on."""
        held, self._held = self._held or [], None
        for event in held:
            self.hear(event)
