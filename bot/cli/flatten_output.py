"""What ``flatten`` says: on standard error as it goes, and its report. Read by somebody who was asleep a minute ago."""

import sys
import textwrap
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Any

from bot.cli.hints import told
from bot.flatten import Ending, Outcome, Plan, Word
from bot.flatten.outcome import Leg
from bot.runtime.files import Files

WIDTH = 79


def say(text: str) -> None:
    """Tell progress; what is to be kept word for word is not folded."""
    with suppress(OSError):
        print(text if "{" in text else fold(told(text)), file=sys.stderr, flush=True)


def fold(text: str, indent: str = "    ") -> str:
    return textwrap.fill(
        text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def plan_view(plan: Plan) -> dict[str, Any]:
    return {
        "positions": {str(key): contracts for key, contracts in plan.holds.items()},
        "cancels": list(plan.cancels),
        "closes": list(plan.closes),
        "left_alone": list(plan.left_alone),
        "remaining_xbt": _exact(plan.remaining_xbt),
    }


def view(outcome: Outcome, files: Files) -> dict[str, Any]:
    return {
        "flat": outcome.flat,
        "ending": outcome.ending.value,
        "positions": {str(key): contracts for key, contracts in outcome.positions.items()},
        "goals": {str(leg.instrument): leg.goal for leg in outcome.legs if leg.goal},
        "last_heard": {
            str(leg.instrument): {
                "contracts": leg.last.contracts,
                "xbt": _exact(leg.last.xbt),
                "at": leg.last.at.isoformat(),
                "by": leg.last.by,
            }
            for leg in outcome.legs
            if leg.last is not None
        },
        "unanswered": list(outcome.unanswered),
        "live_orders": list(outcome.live_orders),
        "protective_stops": list(outcome.stops),
        "other_orders": list(outcome.foreign_orders),
        "orders_sent": outcome.orders_sent,
        "unmatched_xbt": f"{outcome.unmatched_xbt:.8f}",
        "wallet_xbt": _exact(outcome.wallet_xbt),
        "remaining_xbt": _exact(outcome.remaining_xbt),
        "likely_xbt": _exact(outcome.likely_xbt),
        "opens": None if outcome.opens is None else outcome.opens.isoformat(),
        "advice": [leg.advice for leg in outcome.legs if leg.advice],
        "flat_after_seconds": None if outcome.flat_after is None else round(outcome.flat_after, 2),
        "seconds": round(outcome.seconds, 2),
        "latch": str(files.latch),
    }


def show(outcome: Outcome) -> None:
    """Print the report."""
    for line in report(outcome):
        print(fold(told(line), " " * (len(line) - len(line.lstrip()) + 2)))


def report(outcome: Outcome) -> Iterator[str]:
    yield {
        Ending.FLAT: "FLAT: both venues say so",
        Ending.PENDING: "NOT FLAT: PENDING, the rest waits for the market to open",
        Ending.NOT_FLAT: "NOT FLAT",
    }[outcome.ending]
    for leg in outcome.legs:
        yield from _leg(leg)
    for line in outcome.unanswered:
        yield f"  ! {line}"
    for line in outcome.live_orders:
        yield f"  LIVE: {line} may still fill, with nobody watching: cancel it by hand"
    for line in outcome.stops:
        yield f"  kept: the protective stop {line}, until flat"
    if outcome.unmatched_xbt:
        yield f"  UNMATCHED: {outcome.unmatched_xbt:+.8f} XBT closed at one venue, not followed by the other"
    for line in outcome.foreign_orders:
        yield f"  left alone: {line} (flatten --everything cancels it)"
    yield from _exposure(outcome)
    took = "" if outcome.flat_after is None else f", flat after {outcome.flat_after:.1f} s"
    yield f"  {outcome.orders_sent} orders in {outcome.seconds:.1f} s{took}"
    for leg in outcome.legs:
        if leg.advice:
            yield f"  TO DO: {leg.advice}"
    if not outcome.flat:
        yield "  run it again: it goes on where it was. More: runbooks/emergency-flatten.md"
    yield "  the bot sends nothing until: basisbot enable"


def _leg(leg: Leg) -> Iterator[str]:
    if leg.contracts is None:
        yield f"  {leg.instrument}: NO ANSWER, so not known to be flat"
        if leg.last is not None:
            yield f"    last heard: {_held(leg.last)}, {_when(leg.last.at)}, by {leg.last.by}"
        else:
            yield "    nothing was heard of it, nor does a ledger say"
        return
    kept = f", {-leg.goal:,} of them kept as the wallet's hedge" if leg.goal else ""
    worth = "" if leg.xbt is None or not leg.contracts else f" ({leg.xbt:+.4f} XBT)"
    held = f"{leg.contracts:+,} contracts{worth}{kept}" if leg.contracts else "nothing"
    yield f"  {leg.instrument}: {held}"


def _held(word: Word) -> str:
    if not word.contracts:
        return "nothing"
    return f"{word.contracts:+,} contracts" + ("" if word.xbt is None else f" ({word.xbt:+.4f} XBT)")


def _exposure(outcome: Outcome) -> Iterator[str]:
    since = "" if outcome.wallet_at is None else f", {_when(outcome.wallet_at)}"
    wallet = "" if outcome.wallet_xbt is None else f" (margin balance {outcome.wallet_xbt:.8f} XBT{since})"
    if outcome.remaining_xbt is not None:
        yield f"  exposure that remains: {outcome.remaining_xbt:+.8f} XBT{wallet}"
        return
    yield f"  exposure that remains: UNKNOWN{wallet}"
    known = [leg.xbt for leg in outcome.legs if leg.xbt is not None]
    if known:
        part = sum(known, start=outcome.wallet_xbt or Decimal(0))
        yield f"    of what answers: {part:+.8f} XBT"
    if outcome.likely_xbt is not None:
        yield f"    in all, if what was last heard still holds: {outcome.likely_xbt:+.8f} XBT"


def _when(at: datetime) -> str:
    return f"{at:%d %b %H:%M:%S} UTC"


def _exact(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.8f}"
