"""How much is naked for how long: every fill hedged at once, beside "hedge when the working order is complete".

    python -m tests.bench.naked [--seeds 12] [--json FILE]

Both rules live the same lives in virtual time: the same market, faults and people by seed (``tests/simulation/whole``),
with a thin book at CME, where working orders live for seconds and fill lot by lot. The naive rule is the same bot, to
which nothing is told of a working order's fills before the order has ended: so it hedges when the order is complete. It
is no setting of the product. XBT·seconds and the largest exposure are added up from the exchanges' own books.
"""

import argparse
import itertools
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from adapters.simulator.exchange.orders import ExecKind
from adapters.simulator.faults import FaultRates
from adapters.simulator.inprocess import InProcessVenue
from adapters.simulator.virtual_loop import VirtualLoop
from adapters.venue import Sink, VenueEvent
from bot.model.ids import Role
from bot.model.legging import Legging
from risk.approval import Approved, Purpose, Usage
from risk.instruments import InstrumentId
from risk.orders import Fill, OrderStatus, OrderUpdate, TimeInForce
from tests.bench.figures import Row, table, write
from tests.simulation.whole.life import Life, quiet
from tests.simulation.whole.market import Market
from tests.simulation.whole.setting import Setting, setting

_LIVES = timedelta(seconds=8)


class Patient(InProcessVenue):
    """A venue at which working orders live for seconds. ``naive``: nothing is told of one's fills before its end."""

    naive = False

    async def connect(self, symbols: Sequence[str], sink: Sink) -> None:
        self._kept: dict[str, list[VenueEvent]] = {}
        self._working: set[str] = set()
        self._ended: set[str] = set()
        self._beyond = sink
        await super().connect(symbols, self._pass_on if self.naive else sink)

    async def submit(self, order: Approved) -> OrderUpdate:
        if order.purpose is Purpose.WORK:
            self._working.add(order.request.client_order_id)
            until = self._clock.now() + _LIVES
            request = replace(order.request, time_in_force=TimeInForce.GTD, expires_at=until)
            order = Approved(
                request, order.purpose, order.envelope, order.instrument, Usage(), order.at, order.basis
            )
        return self._hushed(await super().submit(order))

    async def order(self, instrument: InstrumentId, client_order_id: str) -> OrderUpdate | None:
        known = await super().order(instrument, client_order_id)
        return None if known is None else self._hushed(known)

    async def fills(self, since: datetime) -> list[Fill]:
        return [fill for fill in await super().fills(since) if not self._is_hushed(fill.client_order_id)]

    def _is_hushed(self, client_id: str | None) -> bool:
        return self.naive and client_id in self._working and client_id not in self._ended

    def _hushed(self, update: OrderUpdate) -> OrderUpdate:
        client_id = update.client_order_id
        if client_id is None or not self._is_hushed(client_id):
            return update
        if update.status.is_final:
            self._release(client_id)
            return update
        return replace(update, status=OrderStatus.NEW, filled=0, leaves=update.quantity)

    def _pass_on(self, event: VenueEvent) -> None:
        client_id = event.client_order_id if isinstance(event, Fill | OrderUpdate) else None
        if client_id is None or not self._is_hushed(client_id):
            self._beyond(event)
        elif isinstance(event, Fill):
            self._kept.setdefault(client_id, []).append(event)
        elif isinstance(event, OrderUpdate) and event.status.is_final:
            self._release(client_id)
            self._beyond(event)

    def _release(self, client_id: str) -> None:
        self._ended.add(client_id)
        for fill in self._kept.pop(client_id, []):
            self._beyond(fill)


class _Naive(Patient):
    naive = True


class _Thin(Market):
    """One lot a level at CME, calm or not."""

    def _depth(self, side: int) -> int:
        return 1 if side == 1 else super()._depth(side)


class _Trial(Life):
    """A life of whose book at CME orders take the best level only. ``rule``: how they are told."""

    def __init__(self, given: Setting, folder: Path, rule: type[Patient]) -> None:
        super().__init__(given, folder)
        self._rule = rule
        self.market = _Thin(self.exchanges, given.seed, given.speed)
        self.market.step()
        self.policy = replace(self.policy, slop_ticks=0)
        self.person.leggings = [Legging()]

    def venue(self, side: int) -> InProcessVenue:
        if side == 0:
            return super().venue(side)
        return self._rule(
            self.exchanges[1], "me", self.clock, latency=self.setting.latency[1], faults=self.faults[1]
        )


def _lived(seed: int, rule: type[Patient], *, faults: bool) -> Row:
    given = replace(setting(seed), mischief=(), storm=240.0, on_disk=False)
    if not faults:
        given = replace(given, rates=(FaultRates(), FaultRates()))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="naked-")))
        life = _Trial(given, folder, rule)
        loop = VirtualLoop(life.clock)
        try:
            loop.run_until_complete(life.live())
        finally:
            loop.close()
        watch = life.watch
        plans = [plan for plan in watch.plans.values() if plan.worst]
        worked = [leg for leg, book in watch.legs.items() if leg.role is Role.WORKING and book.along]
        trades = sum(
            one.kind is ExecKind.TRADE for exchange in life.exchanges for one in exchange.executions("me")
        )
        return {
            "tranches": len(worked),
            "trades": trades,
            "xbt_seconds": float(sum(plan.seconds for plan in plans)),
            "worst": float(max((plan.worst for plan in plans), default=0)),
            "violations": list(watch.violations),
        }


def measure(seeds: int = 12) -> Row:
    """Let both rules live the same seeds; return and print the figures."""
    quiet()
    rows: list[Row] = []
    found: list[str] = []
    for faults, rule in itertools.product((False, True), (Patient, _Naive)):
        name = "when complete" if rule.naive else "at once"
        lives = [_lived(seed, rule, faults=faults) for seed in range(seeds)]
        tranches = sum(life["tranches"] for life in lives)
        for seed, life in enumerate(lives):
            found += [f"{name}, seed {seed}: {one}" for one in life["violations"][:1]]
        rows.append(
            {
                "faults": "yes" if faults else "none",
                "hedged": name,
                "seeds": seeds,
                "tranches": tranches,
                "trades": sum(life["trades"] for life in lives),
                "xbt_seconds_a_tranche": round(
                    sum(life["xbt_seconds"] for life in lives) / max(tranches, 1), 4
                ),
                "most_naked_xbt": round(max(life["worst"] for life in lives), 4),
            }
        )
    print(
        table("naked exposure, virtual time", rows) + "".join(f"  broken: {one}\n" for one in found),
        flush=True,
    )
    return {"naked": rows, "broken": found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    write(given.json, measure(given.seeds))


if __name__ == "__main__":
    main()
