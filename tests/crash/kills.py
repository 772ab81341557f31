"""Real processes killed at chosen system calls, started again, and held against the simulators' own order logs.

``strace`` counts a system call of the bot and kills it on entering the one chosen: before a frame of the log, the
flush that makes a commit durable, a request on a socket. The simulators are processes of their own and live on.
"""

import argparse
import http.client
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.model.ids import FLATTEN_PREFIX
from tests.crash.images import WAL, Wal
from tests.e2e import books, venue_view
from tests.e2e.bench import Bot, Home, Process, Sim, home

# How often each call happens in the life of a bot, from its start: counted on this profile with strace -c.
CALLS = {"fdatasync": 16, "pwrite64": 150, "sendto": 40, "write": 70}
# And in an emergency command.
FLATTEN = {"fsync": 5, "sendto": 40, "write": 25}
SEED = 20261122
# From so many frames on SQLite takes the log up into the file: then it is not ours to cut.
CHECKPOINT = 900
# A life in which the chosen call does not come is ended after this (seconds).
LONGEST = 20.0
SIZE = "0.6"
DOUBLED, TRADABLE = Decimal("0.05"), Decimal("0.0026")


def missing() -> str | None:
    """Return why nothing can be killed at a system call here, None if it can."""
    if shutil.which("strace") is None:
        return "strace is not installed (apt install strace)"
    tried = subprocess.run(
        ["strace", "-f", "-qq", "-o", "/dev/null", "true"], capture_output=True, check=False
    )
    return None if tried.returncode == 0 else "strace may not trace here (it needs the right to ptrace)"


def killing(call: str, number: int) -> list[str]:
    """Return the command under which a process dies on entering its ``number``-th ``call`` (in one thread)."""
    return [
        *("strace", "-f", "-qq", "-o", "/dev/null"),
        *("-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}"),
    ]


def places(number: int, calls: Mapping[str, int] = CALLS, seed: int = SEED) -> list[tuple[str, int]]:
    """Return where to kill: each call in turn, each time at another place of the life."""
    chance = random.Random(seed)
    found = []
    for index in range(number):
        call = list(calls)[index % len(calls)]
        found.append((call, chance.randint(1, calls[call])))
    return found


class Person:
    """Opens and closes a small spread, again and again, with whatever bot is there. Starts it when it has died."""

    def __init__(self, it: Home, sim: Sim, name: str) -> None:
        self.home = it
        self.sim = sim
        self.profile = it.profile(name, sim.bitmex, sim.tws, {"limits.clip_pause_seconds": 0.05})
        self.folder = it.instance(self.profile)
        self.ledger = self.folder / "ledger.sqlite3"
        self.killed: Counter[str] = Counter()

    def live(self, call: str, number: int) -> None:
        """Run a bot until it dies at the ``number``-th ``call``, or for ``LONGEST`` seconds and then kill it."""
        process = self.home.spawn("run", "--profile", self.profile, under=killing(call, number))
        deadline = time.monotonic() + LONGEST
        while process.is_alive and time.monotonic() < deadline:
            # A bot that dies while it is asked is what this is about.
            with suppress(OSError, http.client.HTTPException, AssertionError, ValueError):
                self.step(process)
            time.sleep(0.02)
        if process.returncode == -signal.SIGKILL:
            self.killed[call] += 1
            self._cut_power(call, random.Random(number))
        else:
            self.killed["not met"] += 1
            process.kill_group()

    def _cut_power(self, call: str, chance: random.Random) -> None:
        """Take from the log what no flush had confirmed: a power cut at that call would have been free to."""
        path = Path(f"{self.ledger}{WAL}")
        wal = Wal.read(path)
        if call not in ("fdatasync", "pwrite64") or len(wal.commits) < 2 or wal.frames > CHECKPOINT:
            return
        flushed = wal.commits[-2 if call == "fdatasync" else -1]
        os.truncate(path, chance.randint(flushed, wal.size if call == "fdatasync" else wal.frames_end))

    def finish(self) -> Bot:
        """Run a bot until everything is closed."""
        bot = self.home.bot(self.profile)
        deadline = time.monotonic() + 90
        while self.step(bot.process, closing=True):
            assert time.monotonic() < deadline, (bot.get("/plans"), books.events(self.ledger)[-40:])
            time.sleep(0.05)
        return bot

    def step(self, process: Process, *, closing: bool = False) -> bool:
        """Do the next thing a person would do; False if there is nothing (left) to do."""
        if "basisbot runs" not in process.out:
            return True
        bot = Bot(process, self.folder / "daemon.json")
        view = bot.get("/status")
        if not view["reconciled"]:
            return True
        if view["trading"] != "active":
            bot.trade()
        if any(plan["status"] == "active" for plan in bot.get("/plans")):
            for ticket in bot.get("/tickets"):
                bot.approve(ticket)
            return True
        held = any(books.positions(books.caught_up(self.ledger, bot)).values())
        if held:
            close = {"kind": "close", "direction": "long-inverse", "collateral": True, "by": "tester"}
            bot.post("/plans", close)
        elif not closing:
            bot.open(SIZE, 2)
        return held or not closing

    def judge(self) -> Iterator[str]:
        """Hold the ledger against the venues' own logs; yield what is wrong."""
        inverse, linear = venue_view.bitmex(self.sim.bitmex), venue_view.broker(self.sim.tws)
        known = Counter(str(order["client_order_id"]) for order in books.rows(self.ledger, "order"))
        for name, view in (("bitmex", inverse), ("cme", linear)):
            for client_id, times in Counter(view.ordered).items():
                if times > 1:
                    yield f"{name} has {client_id} {times} times"
                if known[client_id] != 1:
                    yield f"{name} has {client_id}, the ledger {known[client_id]} times"
            if view.open_orders:
                yield f"{name}: {view.open_orders} still rest"
        theirs = Counter(trade.execution_id for trade in (*inverse.traded, *linear.traded))
        ours = Counter(str(fill["execution_id"]) for fill in books.rows(self.ledger, "fill"))
        if theirs != ours:
            yield f"fills lost {sorted(theirs - ours)}, of nobody or twice {sorted(ours - theirs)}"
        if any(fill["foreign"] for fill in books.rows(self.ledger, "fill")):
            yield "a fill of our own is booked as foreign"
        held = {venue: contracts for venue, contracts in books.positions(self.ledger).items() if contracts}
        there = {"bitmex": inverse.contracts, "cme": linear.contracts}
        if held != {venue: contracts for venue, contracts in there.items() if contracts}:
            yield f"the ledger holds {held}, the venues {there}"
        yield from hedged(self.ledger)
        verified = self.home.basisbot("ledger", "verify", "--file", self.ledger)
        if verified.code or "Traceback" in verified.err:
            yield f"verify: {verified.out}{verified.err}"


def hedged(ledger: Path) -> Iterator[str]:
    """Add each plan's spread up: no more hedged than worked, and hedged at the end, or a person was told."""
    alerts = [
        str(event.payload["text"])
        for event in books.events(ledger)
        if event.kind == "Alerted" and event.payload["code"] == "LEGGED_POSITION"
    ]
    naked: Counter[str] = Counter()
    gross: dict[tuple[str, str], Decimal] = {}
    for fill in books.rows(ledger, "fill"):
        client_id = str(fill["client_order_id"])
        if client_id.startswith(f"{FLATTEN_PREFIX}-"):
            continue  # an emergency command's, of no leg; where it ends is seen at the venues
        plan, _, leg = client_id.partition("-")
        role = leg[2:3]
        if role not in ("w", "h"):
            continue
        size = Decimal(fill["quantity"])
        size = size / 10 if fill["venue"] == "cme" else size / Decimal(fill["price"])
        gross[plan, role] = gross.get((plan, role), Decimal(0)) + size
        naked[plan] += size if fill["side"] == "buy" else -size  # type: ignore[assignment]
    for plan, left in naked.items():
        told = any(plan in text for text in alerts)
        if gross.get((plan, "h"), Decimal(0)) - gross.get((plan, "w"), Decimal(0)) > DOUBLED and not told:
            yield f"plan {plan}: more was traded to hedge than was there to be hedged: {gross}"
        if abs(left) > TRADABLE and not told:
            yield f"plan {plan} ended with {left:+.4f} XBT unhedged, and nobody was told"


def daemon(folder: Path, where: Sequence[tuple[str, int]]) -> tuple[Counter[str], list[str]]:
    """Kill one bot after the other at the places given; return how many died of what, and what is wrong."""
    with home(folder) as it:
        person = Person(it, it.sim(), "kill")
        for call, number in where:
            person.live(call, number)
        bot = person.finish()
        bot.process.stop()
        return person.killed, list(person.judge())


def emergency(folder: Path, where: Sequence[tuple[str, int]]) -> tuple[Counter[str], list[str]]:
    """Kill one emergency command after the other on an open spread, let one finish, and trade again."""
    killed: Counter[str] = Counter()
    with home(folder) as it:
        person = Person(it, it.sim(), "flat")
        bot = it.bot(person.profile)
        bot.trade()
        assert bot.approve_all(bot.open("0.6", 2)) == "done"
        bot.process.kill()
        for call, number in where:
            command = ("flatten", "--profile", person.profile, "--yes", "--json")
            process = it.spawn(*command, under=killing(call, number))
            with suppress(subprocess.TimeoutExpired):
                process.end()
            killed[call if process.returncode == -signal.SIGKILL else "not met"] += 1
            process.kill_group()
        problems = _flat(it, person)
        person.finish().process.stop()
        return killed, [*problems, *person.judge()]


def _flat(it: Home, person: Person) -> list[str]:
    done = it.basisbot("flatten", "--profile", person.profile, "--yes", "--json")
    views = venue_view.bitmex(person.sim.bitmex), venue_view.broker(person.sim.tws)
    if done.code or any(view.contracts or view.open_orders for view in views):
        return [f"not flat: {done}, {views}"]
    return []


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--each", type=int, default=5, help="kills in one world")
    given = parser.parse_args(arguments)
    reason = missing()
    if reason is not None:
        print(reason)
        return 2
    began = time.monotonic()
    killed: Counter[str] = Counter()
    failed = 0
    where = places(given.kills, seed=given.seed)
    worlds = [(daemon, where[start : start + given.each]) for start in range(0, len(where), given.each)]
    hasty = places(given.kills // 3, FLATTEN, given.seed)
    worlds += [(emergency, hasty[start : start + 3]) for start in range(0, len(hasty), 3)]
    for play, here in worlds:
        with TemporaryDirectory() as folder:
            died, problems = play(Path(folder), here)
        killed += died
        failed += bool(problems)
        print(
            f"{time.monotonic() - began:5.0f} s  {play.__name__} {here}", *problems, sep="\n    ", flush=True
        )
    missed = killed.pop("not met", 0)
    print(
        f"{killed.total()} killed at a call, {dict(killed)}, {missed} not met; {failed} worlds failed; "
        f"{time.monotonic() - began:.0f} s"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
