"""``basisbot flatten`` from every state it is called in, over sockets: ``make flatten-states`` prints a table.

The simulators, the bot and the command are processes of their own, and whether it is flat is read from the exchanges'
own books, which neither the command nor the wire has written.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.e2e import venue_view
from tests.e2e.bench import Bot, Home, home, until
from tests.e2e.test_one_venue_down import Gate, gate
from tests.simulation.day import Venues, launched

CALM = '[market]\nvolatility = 0.1\n[linear]\nmonth = "2026-12"\n'
REFUSING = (
    "[inverse.faults]\nrefused = 1.0\noverloaded = 1.0\nat_most = 2\n"
    "[linear.faults]\nrefused = 1.0\nat_most = 2\n"
)
SILENT = "[inverse.faults]\nunanswered = 1.0\nat_most = 2\n[linear.faults]\nunanswered = 1.0\nat_most = 2\n"
HELD = (16_000, -2)
"""0.2 XBT of a pair, by hand."""


@dataclass(frozen=True)
class Shown:
    """``seconds``: from the command to the venues' word that it is flat; ``within``: of these, since it had connected.
    ``left_xbt``: the exposure that remains."""

    state: str
    orders: int
    seconds: float
    within: float | None
    left_xbt: str
    inverse: int
    linear: int


class Scene:
    """Venues, the emergency command, and a bot if one is called for."""

    def __init__(self, it: Home, venues: Venues, tws: int | None = None, watch: float = 1.0) -> None:
        self.home = it
        self.venues = venues
        self.watch = watch
        self.profile = it.profile("flat", venues.bitmex, tws or venues.tws)
        self.folder = it.instance(self.profile)
        self.bot: Bot | None = None

    # --- before

    def by_hand(self, inverse: int = HELD[0], linear: int = HELD[1]) -> None:
        """Come to positions nobody's bot has opened."""
        price = 1.02 if inverse > 0 else 0.98
        venue_view.bitmex_order(
            self.venues.bitmex,
            side="Buy" if inverse > 0 else "Sell",
            orderQty=abs(inverse),
            ordType="Limit",
            price=round(80_000 * price),
            timeInForce="ImmediateOrCancel",
        )
        # Within three per cent of the mark, or the broker refuses it; a multiple of the tick of 5.
        venue_view.broker_order(self.venues.tws, linear, 79_500 if linear < 0 else 82_000)
        assert self.held() == (inverse, linear), self.held()

    def runs(self) -> Bot:
        self.bot = self.home.bot(self.profile)
        until("both agree", lambda: self.bot is not None and self.bot.get("/status")["reconciled"], 60)
        return self.bot

    def opened(self, size: str = "0.4") -> Bot:
        bot = self.bot or self.runs()
        bot.trade()
        assert bot.approve_all(bot.open(size), 90) == "done"
        return bot

    def midway(self) -> Bot:
        """Have a plan of many tranches at work."""
        bot = self.bot or self.runs()
        bot.trade()
        bot.open("1.2", 6)

        def begun() -> bool:
            for ticket in bot.get("/tickets"):
                bot.approve(ticket)
            return self.held()[1] != 0

        until("something has filled", begun, 90)
        return bot

    # --- the command

    def flatten(self, *options: str) -> tuple[int, Any, float]:
        """Run it; return its exit code, its report and the seconds it took, the last looking-on apart."""
        started = time.monotonic()
        done = self.home.basisbot(
            *("flatten", "--profile", self.profile, "--yes", "--json", "--watch", f"{self.watch:g}"),
            *options,
            within=240,
        )
        took = time.monotonic() - started
        assert "Traceback" not in done.out + done.err, done
        report = json.loads(done.out)
        if report["flat_after_seconds"] is not None:
            took -= report["seconds"] - report["flat_after_seconds"]
        return done.code, report, took

    def flat(self, state: str, *options: str) -> Shown:
        """Flatten, and hold the report against the exchanges' own books."""
        code, report, took = self.flatten(*options)
        assert (code, report["flat"]) == (0, True), report
        return self.shown(state, report, took)

    def shown(self, state: str, report: Any, took: float) -> Shown:
        assert self.held() == (0, 0), (state, self.held(), report)
        assert self.live() == [], (state, self.live())
        assert report["remaining_xbt"] == report["wallet_xbt"], report
        return Shown(
            state,
            report["orders_sent"],
            round(took, 2),
            report["flat_after_seconds"],
            report["remaining_xbt"],
            0,
            0,
        )

    # --- what the exchanges' own books say

    def held(self) -> tuple[int, int]:
        books = self.venues.books()["venues"]
        inverse, linear = (sum(books[name]["positions"].values()) for name in ("bitmex", "cme"))
        return inverse, linear

    def live(self) -> list[str]:
        books = self.venues.books()["venues"].values()
        return [order["client_order_id"] for book in books for order in book["orders"] if order["live"]]


@contextmanager
def scene(folder: Path, text: str = CALM, *, gated: bool = False) -> Iterator[tuple[Scene, Gate | None]]:
    folder.mkdir(parents=True, exist_ok=True)
    with home(folder) as it, launched(it, text) as venues:
        venues.heal()
        if not gated:
            yield Scene(it, venues), None
            return
        with gate(venues.tws) as to_broker:
            yield Scene(it, venues, to_broker.port), to_broker


def beside_a_bot(folder: Path) -> Iterator[Shown]:
    """Open, run twice, and beside a bot that hangs with the ledger in its hand."""
    with scene(folder) as (it, _):
        it.opened()
        yield it.flat("open")
        again = it.flat("run twice")
        assert again.orders == 0
        yield again
        bot = it.opened()
        bot.process.send(signal.SIGSTOP)
        yield it.flat("ledger locked by a hung daemon")
        bot.process.send(signal.SIGCONT)
        until("halted", lambda: bot.get("/status")["trading"] == "halted", 60)
        assert it.held() == (0, 0)


def in_the_middle(folder: Path) -> Iterator[Shown]:
    """In the middle of a tranche; and where the bot's last orders, and the command's own first ones, are carried out
    and never answered."""
    with scene(folder, CALM + SILENT) as (it, _):
        bot = it.midway()
        yield it.flat("mid-tranche")
        it.venues.harm()
        it.midway()
        bot.process.kill()
        yield it.flat("UNKNOWN orders")
        faults = [book["faults"] for book in it.venues.books()["venues"].values()]
        assert sum(found.get("unanswered", 0) for found in faults), faults


def refused(folder: Path) -> Iterator[Shown]:
    with scene(folder, CALM + REFUSING) as (it, _):
        it.by_hand()
        it.venues.harm()
        yield it.flat("refused orders")
        faults = [book["faults"] for book in it.venues.books()["venues"].values()]
        assert all(found.get("refused", 0) + found.get("overloaded", 0) for found in faults), faults


def one_venue_down(folder: Path) -> Iterator[Shown]:
    with scene(folder, gated=True) as (it, to_broker):
        assert to_broker is not None
        it.by_hand()
        venue_view.bitmex_order(it.venues.bitmex, side="Buy", orderQty=100, price=70_000, clOrdID="resting")
        code, report, took = it.flatten("--seconds", "4")
        assert (code, report["flat"]) == (3, False), report
        # The order is gone; what may be the other leg's hedge is not.
        assert (it.held(), it.live()) == (HELD, [])
        assert report["remaining_xbt"] is None
        inverse, linear = it.held()
        yield Shown("one venue down", report["orders_sent"], round(took, 2), None, "unknown", inverse, linear)
        to_broker.open()
        yield it.flat("… and back")


def killed_half_way(folder: Path) -> Iterator[Shown]:
    with scene(folder) as (it, _):
        # More than one clip, so that there is a half-way.
        it.by_hand(320_000, -40)
        began = it.home.spawn("flatten", "--profile", it.profile, "--yes", "--json")
        until("the first clip has gone", lambda: it.held() != (320_000, -40), 90)
        began.kill()
        assert it.held() != (0, 0)
        yield it.flat("killed half-way, run again")


def held_hedge(folder: Path) -> Iterator[Shown]:
    """Beside what the table names: the long leg goes and the short stays that the wallet wants."""
    with scene(folder) as (it, _):
        it.by_hand(16_000, -12)
        code, report, took = it.flatten("--hold-hedge")
        assert (code, report["flat"]) == (0, True), report
        inverse, linear = it.held()
        # 1 XBT in the wallet but for fees: nine contracts of a tenth
        assert (inverse, linear) == (0, -9)
        yield Shown(
            "--hold-hedge",
            report["orders_sent"],
            round(took, 2),
            report["flat_after_seconds"],
            report["remaining_xbt"],
            inverse,
            linear,
        )


def sessions(lead: float, closure: int = 1) -> tuple[str, datetime, datetime]:
    """Return a scenario in which CME closes in ``lead`` seconds or a little more, for so many minutes.

    The broker announces its hours to the minute, so a closure is one of whole minutes.
    """
    now = datetime.now(UTC)
    closes = (now + timedelta(seconds=lead + 59)).replace(second=0, microsecond=0)
    opens = closes + timedelta(minutes=closure)
    day = timedelta(days=1)
    spans = [[now - day, closes], [opens, now + day]]
    listed = ", ".join(f"[{start:%Y-%m-%dT%H:%M:%SZ}, {end:%Y-%m-%dT%H:%M:%SZ}]" for start, end in spans)
    return CALM + f"sessions = [{listed}]\n", closes, opens


def closed(folder: Path) -> Iterator[Shown]:
    """CME closes over a pair. A flatten is left pending, and the next bot to start carries it out at the open."""
    text, closes, opens = sessions(20)
    with scene(folder, text) as (it, _):
        it.by_hand()
        venue_view.bitmex_order(
            it.venues.bitmex,
            side="Sell",
            orderQty=HELD[0],
            stopPx=50_000,
            ordType="Stop",
            execInst="Close,MarkPrice",
            clOrdID="stop",
        )
        until("CME has closed", lambda: datetime.now(UTC) >= closes + timedelta(seconds=1), 90)
        code, report, took = it.flatten("--no-wait")
        assert (code, report["ending"]) == (1, "pending"), report
        # Neither is the hedge stripped nor an order left that nobody attends to; the stop protects.
        assert (it.held(), it.live()) == (HELD, ["stop"])
        assert report["protective_stops"] == ["bitmex:XBTUSD stop"]
        assert report["orders_sent"] == 0
        yield Shown("CME closed: pending", 0, round(took, 2), None, report["remaining_xbt"], *it.held())

        assert datetime.now(UTC) < opens, "too slow to see it wait"
        it.home.spawn("run", "--profile", it.profile)
        until("somebody waits", lambda: "PENDING" in _read(it.folder / "flatten.log"), 60)
        assert it.held() == HELD
        until("flat", lambda: it.held() == (0, 0) and not it.live(), 150)
        after = (datetime.now(UTC) - opens).total_seconds()
        until("pending no more", lambda: not (it.folder / "flatten.pending").exists(), 60)
        assert "FLAT: both venues say so" in _read(it.folder / "flatten.log")
        yield Shown("… carried out by the bot, from the open on", 2, round(after, 2), None, "", 0, 0)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


STATES: tuple[Callable[[Path], Iterator[Shown]], ...] = (
    beside_a_bot,
    in_the_middle,
    refused,
    one_venue_down,
    killed_half_way,
    held_hedge,
    closed,
)


def measure(folder: Path, say: Callable[[str], None] = print) -> list[Shown]:
    """Run each state once; return the table's rows. Raises AssertionError where a promise is broken."""
    say(f"{'state':<44} {'orders':>6} {'seconds':>8} {'of which':>9}  {'left, XBT':>12}  bitmex  cme")
    rows = []
    for number, state in enumerate(STATES):
        for row in state(folder / f"{number}-{state.__name__}"):
            rows.append(row)
            say(
                f"{row.state:<44} {row.orders:>6} {row.seconds:>8.2f} {_or_dash(row.within):>9}  {row.left_xbt:>12}  "
                f"{row.inverse:>+6} {row.linear:>+4}"
            )
    return rows


def _or_dash(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:.2f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="flatten-states-") as folder:
        try:
            rows = measure(Path(folder), lambda line: print(line, flush=True))
        except AssertionError as error:
            print(f"BROKEN: {error}")
            return 1
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
