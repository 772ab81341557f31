"""What has happened in simulated lives, counted; and what should have, and never did."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from adapters.simulator.inprocess_faults import INVERSE_FAULTS, LINEAR_FAULTS
from bot.model.codec import KINDS
from bot.model.events import Alerted, OrderBelieved, OrderIntended, Recorded
from bot.model.order_states import TRANSITIONS, Belief
from tests.simulation.whole.setting import MISCHIEF

ALERTS = frozenset(
    {
        "ATTEMPTS_SPENT",
        "EXECUTION_CORRECTED",
        "FOREIGN_FILL",
        "LEGGED_POSITION",
        "LINK_DOWN",
        "ORDER_DENIED",
        "ORDER_UNKNOWN",
        "RECONCILE_MISMATCH",
    }
)
NOT_HERE = frozenset({"refused → unknown", "refused → canceled"})
"""Changes of belief the simulated venues do not bring about: they acknowledge before they cancel, and what they take
back of an order was told of it before."""
TRANSITION_NAMES = (
    frozenset(
        f"{before} → {after}"
        for before, words in TRANSITIONS.items()
        for after in words.values()
        if before is not after
    )
    - NOT_HERE
)


def transitions(events: Iterable[Recorded]) -> Iterator[tuple[str, str]]:
    """Name every change of belief, with the order it is about."""
    beliefs: dict[str, Belief] = {}
    for entry in events:
        event = entry.event
        if isinstance(event, OrderIntended):
            beliefs[event.request.client_order_id] = Belief.INTENDED
        elif isinstance(event, OrderBelieved):
            before = beliefs[event.client_order_id]
            if before is not event.belief:
                yield f"{before} → {event.belief}", event.client_order_id
            beliefs[event.client_order_id] = event.belief


@dataclass
class Tally:
    """By section, then by name."""

    sections: dict[str, Counter[str]] = field(default_factory=dict)
    listeners: list[Callable[[str, str], None]] = field(default_factory=list)

    def count(self, section: str, name: str, times: int = 1) -> None:
        for listener in self.listeners:
            listener(section, name)
        self.sections.setdefault(section, Counter())[name] += times

    def see(self, events: Iterable[Recorded]) -> None:
        """Count a chain's events, alerts and changes of belief."""
        chain = list(events)
        for entry in chain:
            self.count("events", type(entry.event).__name__)
            if isinstance(entry.event, Alerted):
                self.count("alerts", entry.event.code)
        for name, _ in transitions(chain):
            self.count("order states", name)

    def add(self, other: "Tally") -> None:
        for section, names in other.sections.items():
            for name, times in names.items():
                self.count(section, name, times)

    def missing(self) -> list[str]:
        """Return what should have happened in a long run, and never did."""
        expected: dict[str, set[str]] = {
            "faults": {f"inverse {kind}" for kind in INVERSE_FAULTS}
            | {f"linear {kind}" for kind in LINEAR_FAULTS},
            "mischief": set(MISCHIEF),
            "events": set(KINDS),
            "order states": set(TRANSITION_NAMES),
            "alerts": set(ALERTS),
        }
        return sorted(
            f"{section}: {name}"
            for section, names in expected.items()
            for name in names
            if not self.sections.get(section, Counter())[name]
        )

    def table(self) -> str:
        lines = []
        for section in sorted(self.sections):
            lines.append(f"{section}:")
            names = self.sections[section]
            width = max(map(len, names), default=0)
            lines += [f"  {name:<{width}} {names[name]:>9,}" for name in sorted(names)]
        return "\n".join(lines)
