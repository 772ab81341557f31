"""The pure decisions under misbehaving venues, by the ten thousand: ``python -m tests.property.core_runs``
(``make simulate-core``).

Each seed is one world of ``orders_world``, held to all its promises at every step. Prints a line for each seed that
fails, with the command that runs it again alone, then what has happened how often.
"""

import argparse
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from random import Random

from bot.model.events import Alerted, Recorded, TicketApproved
from bot.model.legging import Style
from bot.model.plans import ApprovalMode, PlanKind
from risk.direction import Direction
from risk.terms import Kind
from tests.property.orders_promises import begun, live
from tests.property.orders_world import FATES, OF_RESTING, World
from tests.simulation.whole.tally import TRANSITION_NAMES, transitions

LONG = 50_000
_UNREACHABLE = frozenset({"live → refused"})
"""Venues of this tier reject nothing they have acknowledged."""


@dataclass(frozen=True, slots=True)
class Outcome:
    seed: int
    trouble: str
    counts: Counter[str]


def case(seed: int) -> dict[str, object]:
    """Draw the world of a seed."""
    dice = Random(f"core:{seed}")
    return {
        "seed": seed,
        "direction": dice.choice(list(Direction)),
        "kind": dice.choice((PlanKind.OPEN, PlanKind.CLOSE)),
        "tranches": dice.randint(1, 3),
        "collateral": dice.random() < 0.5,
        "steps": dice.randint(20, 250),
        "working": dice.choice([Kind.LINEAR, Kind.INVERSE]),
        "style": dice.choice([Style.MARKETABLE, *Style]),
        "approval": dice.choice((ApprovalMode.ARMED, ApprovalMode.ARMED, ApprovalMode.SEQUENTIAL)),
        "standing": dice.choice(("", "", "0.5", "2.5")),
        "ladder": dice.random() < 0.3,
    }


def run(seed: int) -> Outcome:
    counts: Counter[str] = Counter()
    world: World | None = None
    try:
        world = begun(case(seed))
        live(world, int(str(case(seed)["steps"])))
        trouble = ""
    except Exception as error:  # noqa: BLE001 - whatever it was, it is this seed's
        place = traceback.extract_tb(error.__traceback__)[-1]
        trouble = f"{type(error).__name__} {error} ({place.name}, line {place.lineno})".replace("\n", " ")[
            :300
        ]
    if world is not None:
        counts.update({f"an order was {fate}": times for fate, times in world.fates.items()})
        chain = _chain(world)
        counts.update(name for name, _ in transitions(chain))
        counts.update(f"alert {entry.event.code}" for entry in chain if isinstance(entry.event, Alerted))
        counts.update(
            f"an approval {'stood' if entry.event.standing else 'was a person'}"
            for entry in chain
            if isinstance(entry.event, TicketApproved)
        )
        counts[f"the plan ended {world.desk.status}"] += 1
    return Outcome(seed, trouble, counts)


def _chain(world: World) -> list[Recorded]:
    return [Recorded(seq, at, event, "") for seq, (event, at) in enumerate(world.desk.events, 1)]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make simulate-core", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one alone, and print its events")
    parser.add_argument("--runs", type=int, default=2_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args(arguments)
    seeds = range(given.first, given.first + given.runs)
    if given.seed is not None:
        seeds = range(given.seed, given.seed + 1)
    began = time.monotonic()
    counts: Counter[str] = Counter()
    failed = 0
    for outcome in _outcomes(seeds, given.jobs):
        counts += outcome.counts
        if outcome.trouble:
            failed += 1
            print(
                f"seed {outcome.seed}: {outcome.trouble}\n  make simulate-core SEED={outcome.seed}",
                flush=True,
            )
    seconds = time.monotonic() - began
    for name in sorted(counts):
        print(f"  {name:<28} {counts[name]:>10,}")
    expected = {f"an order was {fate}" for fate in (*FATES, *OF_RESTING)} | (TRANSITION_NAMES - _UNREACHABLE)
    missing = sorted(name for name in expected if not counts[name])
    for name in missing:
        print(f"never happened: {name}")
    runs = len(seeds)
    print(
        f"{runs} runs in {seconds:.0f} s ({runs * 60 / seconds:.0f} a minute, {given.jobs} jobs): {failed} failed"
    )
    return 1 if failed or (missing and runs >= LONG) else 0


def _outcomes(seeds: range, jobs: int) -> Iterator[Outcome]:
    if jobs == 1:
        yield from map(run, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(run, seeds, chunksize=50)


if __name__ == "__main__":
    sys.exit(main())
