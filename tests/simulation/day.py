"""A day at both venues with everything wrong that can be: ``make day``, and a short sample of it in the tests.

Three processes, as in life: the simulators, whose market goes through a whole calendar day (24 hours of prices,
three fundings, CME's daily pause, an outage, a jump) in some minutes; the daemon; and here an operator, who opens
and closes spreads over the HTTP API all day. What is held against the bot is read from the exchanges' own books.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from adapters.simulator.bitmex.faults import BITMEX_FAULTS
from adapters.simulator.faults import FaultKind as K
from adapters.simulator.tws.faults import TWS_FAULTS
from tests.e2e import books
from tests.e2e.bench import Bot, Home, Ran, home, until

ROOT = Path(__file__).parents[2]
MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)  # a Monday
DAY = timedelta(days=1)
KINDS = {"bitmex": BITMEX_FAULTS, "cme": TWS_FAULTS}

# How often, of its opportunities; a kind that is not here happens at every twentieth.
RATES = {
    "bitmex": {
        K.OVERLOADED: 0.1,
        K.REFUSED: 0.1,
        K.LOST: 0.08,
        K.UNANSWERED: 0.1,
        K.RATE_LIMITED: 0.1,
        K.BANNED: 0.02,
        K.HUNG: 0.02,
        K.DROPPED_LINK: 0.03,
        K.DUPLICATE: 0.2,
        K.LATE: 0.1,
        K.REORDERED: 0.2,
        K.GAP: 0.05,
        K.STALE: 0.02,
        K.CORRECTED: 0.15,
        K.BUST: 0.15,
    },
    "cme": {
        K.REFUSED: 0.1,
        K.LOST: 0.08,
        K.UNANSWERED: 0.1,
        K.HUNG: 0.02,
        K.DROPPED_LINK: 0.03,
        K.DUPLICATE: 0.2,
        K.LATE: 0.1,
        K.REORDERED: 0.2,
        K.GAP: 0.05,
        K.STALE: 0.02,
        K.GATEWAY_RESTART: 0.05,
        K.CORRECTED: 0.15,
        K.BUST: 0.15,
    },
}
OTHERS = 0.05
LASTS = {K.BANNED: 500, K.HUNG: 1_000, K.STALE: 1_000}  # milliseconds

# The venues are near: what has not answered by then will not.
PATIENCE = {"linear.question_timeout_seconds": 3, "linear.order_timeout_seconds": 2}
SIZE = "1.5"
TRANCHES = 3
MULTIPLIER = 0.1


@dataclass(frozen=True)
class Rules:
    """``seconds``: how long the day takes. ``at_most``: of each fault and venue. ``overtime``: how many seconds it
    may go on until each fault has happened. ``often``: times the usual rates."""

    seconds: float
    at_most: int
    overtime: float
    seed: int = 95
    often: float = 1

    @property
    def speed(self) -> int:
        return round(DAY.total_seconds() / self.seconds)


def scenario(rules: Rules) -> str:
    """Return the day as a scenario: times in the market's own."""
    lines = [
        f"seed = {rules.seed}",
        "[calendar]",
        f"starts = {MIDNIGHT:%Y-%m-%dT%H:%M:%SZ}",
        f"speed = {rules.speed}",
        "[market]",
        # The bot's time is not compressed: on a usual day's prices, none would stand as long as an order takes.
        "volatility = 0.1",
        "step_milliseconds = 100",
        "gaps = [[50400, -0.01]]",  # 14:00
        "outages = [[36000, 900]]",  # 10:00 to 10:15
        "[linear]",
        'hours = "weekdays"',  # closed from 22:00 to 23:00 UTC
    ]
    for table, venue in (("inverse", "bitmex"), ("linear", "cme")):
        rates = {kind: RATES[venue].get(kind, OTHERS) * rules.often for kind in sorted(KINDS[venue])}
        lines += [f"[{table}.faults]", "quiet_seconds = 1", f"at_most = {rules.at_most}"]
        lines += [f"{kind} = {rate:g}" for kind, rate in rates.items()]
        lines += [f"{kind}_milliseconds = {ms}" for kind, ms in LASTS.items() if kind in rates]
    return "\n".join(lines) + "\n"


class Venues:
    """The simulators' process, and the exchanges' own books."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        if process.stdout is None or process.stdin is None:
            raise RuntimeError("a process with pipes has them")
        self._process = process
        self._stdout = process.stdout
        told = json.loads(process.stdout.readline())
        self.bitmex: int = told["bitmex_port"]
        self.tws: int = told["tws_port"]
        self._referee = f"http://127.0.0.1:{told['referee_port']}"

    def books(self) -> Any:
        with urllib.request.urlopen(f"{self._referee}/books", timeout=90) as answer:
            return json.loads(answer.read())

    def heal(self) -> None:
        """No faults from now on."""
        self.harm(enabled=False)

    def harm(self, *, enabled: bool = True) -> None:
        """From now on, faults as the scenario has them."""
        self._post("faults", {"enabled": enabled})

    def gap(self, ppm: int) -> None:
        """Let every price jump, now."""
        self._post("gap", {"ppm": ppm})

    def _post(self, path: str, body: dict[str, object]) -> None:
        asked = urllib.request.Request(f"{self._referee}/{path}", json.dumps(body).encode(), method="POST")
        urllib.request.urlopen(asked, timeout=90).close()

    def end(self) -> dict[str, dict[str, int]]:
        """Stop them; return how often each fault happened, in their own last words."""
        self._process.terminate()
        told = self._stdout.read()
        code = self._process.wait(90)
        assert code == 0, (code, told)
        faults: dict[str, dict[str, int]] = json.loads(told)["faults"]
        return faults


def venues(it: Home, rules: Rules) -> AbstractContextManager[Venues]:
    return launched(it, scenario(rules))


@contextmanager
def launched(it: Home, text: str) -> Iterator[Venues]:
    """Run the simulators with a scenario, and a referee beside them."""
    file = it.scenario(text)
    with (it.folder / "simulators.err").open("w") as errors:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "adapters.simulator.launch"),
                *("--scenario", str(file), "--referee-port=0", "--exit-with-parent"),
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    with process:
        try:
            yield Venues(process)
        finally:
            process.kill()


@dataclass(frozen=True)
class Nakedness:
    """XBT of the plans' legs that had no partner. ``spell``: seconds of the longest time beyond dust; ``restated``: XBT
    that the venues have corrected or taken back, added up."""

    largest: float
    integral: float
    spell: float
    restated: float = 0


LARGEST = 0.52
"""XBT. The profile lets no more than 0.5 fill before its hedge is on the way; the rest is rounding."""
LONGEST = 60.0
"""Seconds. An order of unknown fate is believed lost after 12; three of them in a row, with the pauses between."""
IN_DOUBT = (K.LOST, K.UNANSWERED, K.OVERLOADED, K.HUNG, K.BANNED, K.DROPPED_LINK)
"""What can leave a hedge in doubt."""
DOUBT = 0.5 * 15
"""XBT·s that one doubt may cost: the largest working order for as long as absence takes to be believed."""
TRADE = 0.5
"""XBT·s that a fill may cost by itself: refusals, rungs of the escalation, a rate limit to wait for."""

RESTATED = ("correction", "bust")
"""What the venue makes of a trade later."""

CLOSED = (timedelta(hours=22), timedelta(hours=23))
DUST = 0.01
"""XBT. A hedge is rounded to 100 USD; what is carried is less than this."""


def nakedness(told: Any) -> Nakedness:
    """Add up, from both exchanges' books, what was naked and for how long. Collateral hedges are no leg's partner."""
    moves, restated = [], 0.0
    for venue, book in told["venues"].items():
        stands: dict[str, float] = {}
        for one in book["executions"]:
            leg = one["client_order_id"].split("-")[1:2]
            if one["kind"] in ("trade", *RESTATED) and leg and not leg[0].endswith("s"):
                sign = 1 if one["side"] == "buy" else -1
                xbt = one["cost"] / 1e8 if venue == "bitmex" else sign * one["quantity"] * MULTIPLIER
                change = xbt - stands.get(one["first"], 0.0)
                stands[one["first"]] = xbt
                moves.append((datetime.fromisoformat(one["at"]), change))
                restated += abs(change) if one["kind"] in RESTATED else 0
    moves.sort()
    naked = largest = integral = spell = 0.0
    since: datetime | None = None
    ends = [at for at, _ in moves[1:]] + [datetime.fromisoformat(told["at"])]
    for (at, xbt), until_ in zip(moves, ends, strict=True):
        naked += xbt
        largest = max(largest, abs(naked))
        integral += abs(naked) * (until_ - at).total_seconds() if abs(naked) > DUST else 0
        if abs(naked) <= DUST:
            since = None
        else:
            since = since or at
            spell = max(spell, (until_ - since).total_seconds())
    return Nakedness(largest, integral, spell, restated)


@dataclass(frozen=True)
class Report:
    """What the day came to, and what was not as it should be."""

    counts: Mapping[str, Mapping[str, int]]
    naked: Nakedness
    plans: Mapping[str, int]
    orders: int
    fills: int
    fundings: int
    alerts: Mapping[str, int]
    market_hours: float
    seconds: float
    wrong: Sequence[str]

    def table(self) -> str:
        """Return fault × venue × count, and the rest."""
        kinds = [kind.value for kind in K if any(kind in kinds for kinds in KINDS.values())]
        rows = [f"{'fault':<18}{'BitMEX':>8}{'CME (IB)':>10}"]
        for kind in kinds:
            cells = [
                str(self.counts[venue][kind]) if kind in self.counts[venue] else "-"
                for venue in ("bitmex", "cme")
            ]
            rows.append(f"{kind:<18}{cells[0]:>8}{cells[1]:>10}")
        rows += [
            f"{self.market_hours:.1f} h of the market in {self.seconds:.0f} s: "
            f"{sum(self.plans.values())} plans ({_listed(self.plans)}), {self.orders} orders, {self.fills} fills, "
            f"{self.fundings} fundings",
            f"naked: {self.naked.largest:.3f} XBT at most, {self.naked.integral:.2f} XBT·s in all, "
            f"{self.naked.spell:.1f} s at a stretch at most",
            f"alerts: {_listed(self.alerts) or 'none'}",
            *(f"WRONG: {one}" for one in self.wrong),
        ]
        return "\n".join(rows)


def _listed(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counted.items()))


class Operator:
    """A person at the HTTP API, who opens a small spread, takes it down, and so on."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self.ended: dict[str, int] = {}

    def act(self, patience: float) -> None:
        """Carry out one plan: what is held is closed, else a spread is opened."""
        held = bool(self._bot.get("/status")["positions"])
        body: dict[str, object] = {"kind": "close" if held else "open", "direction": "long-inverse"}
        body |= {
            "tranches": TRANCHES,
            "collateral": held,
            "size_xbt": None if held else SIZE,
            "by": "operator",
        }
        status, answer, _ = self._bot.ask("POST", "/plans", body)
        if status != 200:  # no quotes yet, or the books do not agree: later
            time.sleep(0.2)
            return
        plan, deadline = answer["plan"], time.monotonic() + patience
        while (state := self._bot.plan(plan)["status"]) == "active":
            if time.monotonic() > deadline:
                self._bot.ask("POST", f"/plans/{plan}/cancel", {"by": "operator"})
            for ticket in self._bot.get("/tickets"):
                approval = {"hash": ticket["hash"], "by": "operator"}
                self._bot.ask("POST", f"/tickets/{ticket['id']}/approve", approval)
            time.sleep(0.05)
        self.ended[state] = self.ended.get(state, 0) + 1
        time.sleep(0.1)


def happened(told: Any) -> bool:
    return all(min(book["faults"].values()) > 0 for book in told["venues"].values())


def live(it: Home, rules: Rules) -> Report:
    """Live through the day and its healing."""
    began = time.monotonic()
    with venues(it, rules) as market:
        profile = it.profile("day", market.bitmex, market.tws, PATIENCE)
        bot = it.bot(profile)
        bot.trade()
        operator = Operator(bot)
        while True:
            told = market.books()
            over = datetime.fromisoformat(told["market_time"]) - MIDNIGHT >= DAY
            if over and (happened(told) or time.monotonic() - began > rules.seconds + rules.overtime):
                break
            operator.act(patience=20)
        hours = (datetime.fromisoformat(told["market_time"]) - MIDNIGHT) / timedelta(hours=1)

        market.heal()
        time.sleep(1.2)  # what is still to be restated
        until("nothing in flight", lambda: not bot.get("/status")["orders_in_flight"], 60)
        if not bot.get("/status")["positions"]:
            operator.act(patience=20)  # the flatten shall have something to do
        until("nothing in flight", lambda: not bot.get("/status")["orders_in_flight"], 60)
        told = market.books()
        naked = nakedness(told)
        wrong = _agreed(bot)
        flattened = it.basisbot("flatten", "--yes", "--profile", profile)
        wrong += _code(flattened, "flatten")
        until("flatten adopted", lambda: bot.get("/status")["trading"] == "halted")
        wrong += _agreed(bot)
        alerts = _alerts(it.instance(profile) / "basisbot.log")
        bot.process.stop()
        ledger = it.instance(profile) / "ledger.sqlite3"
        wrong += _code(it.basisbot("ledger", "verify", "--file", ledger), "ledger verify")
        told = market.books()
        wrong += _final(told, ledger) + in_the_pause(told, rules)
        counts = market.end()
    expected = {venue: {kind.value for kind in kinds} for venue, kinds in KINDS.items()}
    for venue, kinds in expected.items():
        wrong += [f"{venue}: no {kind}" for kind in sorted(kinds) if not counts[venue].get(kind)]
    executions = [one for book in told["venues"].values() for one in book["executions"]]
    wrong += bounded(naked, counts, sum(one["kind"] == "trade" for one in executions))
    return Report(
        counts,
        naked,
        operator.ended,
        sum(len(book["orders"]) for book in told["venues"].values()),
        sum(one["kind"] == "trade" for one in executions),
        sum(one["kind"] == "funding" for one in executions),
        alerts,
        hours,
        time.monotonic() - began,
        wrong,
    )


def bounded(naked: Nakedness, counts: Mapping[str, Mapping[str, int]], trades: int) -> list[str]:
    """Hold what was naked against what the faults excuse."""
    doubts = sum(counts["bitmex"].get(kind, 0) for kind in IN_DOUBT)
    doubts += sum(venue.get(kind, 0) for venue in counts.values() for kind in (K.CORRECTED, K.BUST))
    bounds = (
        ("XBT at most", naked.largest, LARGEST + naked.restated),
        ("s at a stretch", naked.spell, LONGEST),
        ("XBT·s in all", naked.integral, doubts * DOUBT + trades * TRADE),
    )
    return [f"naked {value:.3f} {what}, over {most:g}" for what, value, most in bounds if value > most]


def in_the_pause(told: Any, rules: Rules) -> list[str]:
    """Nothing trades at CME in its daily pause."""
    now, market = datetime.fromisoformat(told["at"]), datetime.fromisoformat(told["market_time"])
    wrong = []
    for one in told["venues"]["cme"]["executions"]:
        at = market - (now - datetime.fromisoformat(one["at"])) * rules.speed
        if CLOSED[0] <= (at - MIDNIGHT) % DAY < CLOSED[1]:
            wrong.append(f"cme: execution {one['id']} at {at:%H:%M} of the market's day, when it is closed")
    return wrong


def _agreed(bot: Bot) -> list[str]:
    """Ask the bot to hold its books against the venues."""

    def asked() -> tuple[int, Any] | None:
        # A venue that cannot be asked just now is asked again: its link may be coming back from the last fault.
        status, answer, _ = bot.ask("POST", "/reconcile", {})
        return None if status == 503 else (status, answer)

    status, answer = until("compared", asked)
    found = answer.get("differences") if isinstance(answer, dict) else answer
    return [] if status == 200 and not found else [f"books and venues differ: {status} {answer}"]


def _code(done: Ran, what: str) -> list[str]:
    return [] if done.code == 0 else [f"{what} ended with {done.code}: {done.out}{done.err}"]


def _alerts(log: Path) -> dict[str, int]:
    counted: dict[str, int] = {}
    for line in log.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if entry.get("kind") == "Alerted":
            code = entry["event"].split(":")[0]
            counted[code] = counted.get(code, 0) + 1
    return counted


def _final(told: Any, ledger: Path) -> list[str]:
    """Hold the exchanges' books against the ledger's file: positions, orders, executions, each of them."""
    wrong = []
    known = {row["client_order_id"] for row in books.rows(ledger, "order")}
    booked = {row["execution_id"] for row in books.rows(ledger, "fill")}
    taken_back = {
        one["first"]
        for book in told["venues"].values()
        for one in book["executions"]
        if one["kind"] == "bust"
    }
    for venue, book in told["venues"].items():
        if held := {symbol: n for symbol, n in book["positions"].items() if n}:
            wrong.append(f"{venue}: not flat: {held}")
        for order in book["orders"]:
            name = order["client_order_id"]
            if order["live"]:
                wrong.append(f"{venue}: order {name} is live")
            if name not in known:
                wrong.append(f"{venue}: order {name} is not in the ledger: nobody approved it")
        for one in book["executions"]:
            stem = one["id"].rpartition(".")[0] or one["id"]
            if one["kind"] == "trade" and stem not in booked and one["id"] not in taken_back:
                wrong.append(f"{venue}: execution {one['id']} is not in the ledger")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=300, help="how long the day takes (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=95)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="basisbot-day-") as folder, home(Path(folder)) as it:
        report = live(it, Rules(options.seconds, at_most=10, overtime=120, seed=options.seed))
    print(report.table())
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
