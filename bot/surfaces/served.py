"""What the API and everything behind it needs of a running bot."""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from adapters.clock import Clock, IdSource
from adapters.venue import LinkState
from bot.engine import Engine
from bot.model.describe import describe
from bot.model.differences import Difference
from bot.model.events import Alerted, Recorded
from bot.model.inputs import Done
from bot.orders.state import PlanState
from bot.surfaces import views
from bot.surfaces.life import Life
from bot.surfaces.outlook import outlook
from risk.approval import Denied
from risk.instruments import InstrumentId

_KEPT = 500


@dataclass(slots=True)
class Recent:
    """The last events, for people who look in."""

    events: deque[Recorded] = field(default_factory=lambda: deque(maxlen=_KEPT))

    def __call__(self, recorded: Recorded) -> None:
        self.events.append(recorded)

    def after(self, seq: int) -> list[views.View]:
        """Return the events after a sequence number, oldest first."""
        return [
            {
                "seq": entry.seq,
                "at": entry.at.isoformat(),
                "kind": type(entry.event).__name__,
                "text": describe(entry.event),
            }
            for entry in self.events
            if entry.seq > seq
        ]


@dataclass(frozen=True, slots=True)
class Served:
    """What the API needs of the bot. ``unlatch`` removes the flatten latch, or says why not; ``older_plans``: those
    that rest on the disk; ``reconcile`` compares now, ``adopt`` (content hash, by, reason) takes the venues' word.
    ``inverses``, ``months``: of the legs, the next one behind the profile's own. ``silent``: the venues that tell no
    deposits and withdrawals. ``ledger``: the last event appended, the last one on the disk. ``life``: what ``/livez``
    tells.
    """

    engine: Engine
    clock: Clock
    ids: IdSource
    recent: Recent
    about: dict[str, Any]
    inverses: tuple[InstrumentId, ...]
    months: tuple[InstrumentId, ...]
    latched: Callable[[], str | None]
    unlatch: Callable[[], str | None]
    reconcile: Callable[[], Awaitable[tuple[Difference, ...]]]
    adopt: Callable[[str, str, str], Awaitable[Done | Denied]]
    older_plans: Callable[[], Iterable[PlanState]]
    standing: Callable[[], dict[str, Any]]
    venues: tuple[str, ...]
    silent: tuple[str, ...]
    ledger: Callable[[], tuple[int, int]]
    life: Life

    @property
    def inverse(self) -> InstrumentId:
        """The inverse leg's contract: the next one once the leg has been rolled into it."""
        return self.current_inverses()[0]

    @property
    def linear(self) -> InstrumentId:
        """The month the pair is held in: the next one once the leg has been rolled into it."""
        return self.current_months()[0]

    def current_months(self) -> tuple[InstrumentId, ...]:
        """Return the pair's month, and the one it can be rolled into where there is one."""
        pair = self.engine.policy.automation
        return self.months if pair is None else pair.followed(self.engine.state.positions).months

    def current_inverses(self) -> tuple[InstrumentId, ...]:
        """Return the inverse leg's contract, and the one it can be rolled into where there is one."""
        pair = self.engine.policy.automation
        return self.inverses if pair is None else pair.followed(self.engine.state.positions).inverses

    def status(self) -> views.View:
        """Return how things stand."""
        engine, now = self.engine, self.clock.now()
        view = views.status(engine.state, engine.market, now, engine.policy.automation)
        view["outlook"] = outlook(engine.state, engine.market, engine.policy, now)
        view["links"] = dict.fromkeys(sorted(self.venues), LinkState.DOWN.value) | view["links"]
        view["reconciliation"] = self.standing()
        alerts = [
            {"at": entry.at.isoformat(), "code": entry.event.code, "text": entry.event.text}
            for entry in self.recent.events
            if isinstance(entry.event, Alerted)
        ]
        return {**self.about, **view, "latched": self.latched(), "alerts": alerts[-10:]}
