"""If nobody answers: what the hours ahead hold, what happens then with and without an answer, and what it costs.

A view of everything the watches and the tickets wait for, in the order of time; it decides nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, datetime, timedelta
from decimal import Decimal

from bot.automation.closure import what_survives
from bot.automation.margin import sentence, standings
from bot.model.automation import Automation
from bot.model.tickets import TicketStatus
from bot.orders.turn import Turn
from risk.closures import long_closures


@dataclass(frozen=True, slots=True)
class Deadline:
    """``at``: None for what is due at once. ``answered`` and ``unanswered``: what happens with and without an answer;
    ``cost``: what it costs if nobody answers, empty where that is nothing or not known."""

    at: datetime | None
    what: str
    answered: str
    unanswered: str
    cost: str = ""


def deadlines(turn: Turn, within: timedelta) -> list[Deadline]:
    """Return what is due within so long, soonest first, what is due at once before all else."""
    profile = turn.policy.automation
    pair = None if profile is None else profile.followed(turn.state.positions)
    found = [*_tickets(turn), *_standing(turn)]
    if pair is not None:
        found += [*_margin(turn, pair), *_closures(turn, pair), *_funding(turn, pair), *_expiries(turn, pair)]
    end = turn.now + within
    due = [one for one in found if one.at is None or one.at <= end]
    return sorted(due, key=lambda one: (one.at is not None, one.at or turn.now))


def _tickets(turn: Turn) -> Iterator[Deadline]:
    for plan in turn.state.active_plans():
        if plan.current is None or plan.stopping:
            continue
        for leg in plan.current.legs.values():
            if leg.status is not TicketStatus.OPEN:
                continue
            material = leg.ticket.material
            yield Deadline(
                leg.ticket.approve_by,
                f"ticket {leg.ticket.ticket_id}: {material.side} {leg.ticket.contracts} {material.instrument}",
                "its tranche goes out once every leg is approved",
                f"it expires; {plan.spec.why}"
                if plan.spec.why
                else "it expires and its plan ends, or asks again later",
            )


def _standing(turn: Turn) -> Iterator[Deadline]:
    for name, given in sorted(turn.state.standing.items()):
        if not given.revoked and given.approval.ends_at > turn.now:
            uses = ", ".join(given.approval.uses)
            yield Deadline(
                given.approval.ends_at,
                f"standing approval {name} ends ({uses})",
                "a new one keeps what it covers going unattended",
                f"{uses} waits for a person from then on",
            )


def _margin(turn: Turn, pair: Automation) -> Iterator[Deadline]:
    limits = pair.margin
    found = None if limits is None else standings(turn, pair, limits)
    if limits is None or found is None:
        return
    for one in found:
        advice = turn.market.advice.get(one.venue)
        if advice is None or advice.amount <= 0 or one.liquidation is None or one.distance is None:
            continue
        yield Deadline(
            None,
            sentence(advice, pair, limits),
            f"{one.venue} stands {limits.aim:.0%} from liquidation again",
            f"at {one.liquidation:,.2f} ({one.distance:.1%} away) {one.venue} liquidates {abs(one.size):.2f} XBT",
            f"up to {one.equity:,.4f} {one.currency} of equity",
        )


def _closures(turn: Turn, pair: Automation) -> Iterator[Deadline]:
    hours = turn.market.hours.get(pair.linear)
    if hours is None:
        return
    closes = hours.closes(turn.now)
    if closes is not None and closes.year != MAXYEAR:
        yield Deadline(
            closes,
            f"{pair.linear} closes",
            "nothing is asked",
            "nothing new is started there; what has filled is hedged while the other market trades",
        )
    if pair.closure is None:
        return
    limits = pair.closure
    for closure in long_closures(hours, limits.rules, turn.now):
        if closure.span.start <= turn.now:
            continue
        found = what_survives(turn, pair, limits)
        held, asked = "nothing has to come off as it stands", "nothing is asked"
        if found is not None and found.too_much > 0:
            carries = _instead(found.more_xbt, found.more_usd)
            held = f"{found.too_much:.2f} of {found.spread:.2f} XBT stay too much: {carries}"
            asked = f"a reduction is proposed from {closure.span.start - limits.lead:%a %R}Z on"
        yield Deadline(
            closure.span.start - limits.finish,
            f"small enough for {closure.span.start:%a %R}Z to {closure.span.end:%a %R}Z ({closure.why})",
            asked,
            held,
        )
        for window in limits.rules.no_wires:
            for span in window.spans(closure.span):
                last = span.start - (pair.margin.wire_takes if pair.margin else timedelta(0))
                if last > turn.now:
                    yield Deadline(
                        last,
                        f"last wire that arrives before {span.start:%a %R}Z",
                        "USD sent by then can be used",
                        f"no USD reaches the broker until {span.end:%a %R}Z",
                    )


def _instead(xbt: Decimal, usd: Decimal) -> str:
    wants = [*([f"{xbt:.4f} XBT"] if xbt else []), *([f"{usd:,.0f} USD"] if usd else [])]
    return f"{' and '.join(wants)} more would carry all of it"


def _funding(turn: Turn, pair: Automation) -> Iterator[Deadline]:
    told, price = turn.market.fundings.get(pair.inverse), turn.market.last_mids.get(pair.inverse)
    held = turn.state.positions[pair.inverse]
    if told is None or price is None or not held or told.at <= turn.now:
        return
    pays = told.rate * held
    yield Deadline(
        told.at,
        f"funding of {pair.inverse} at {told.rate:+.4%}",
        "nothing is asked",
        f"{'paid' if pays > 0 else 'received'}: about {abs(pays):,.2f} USD",
        f"{pays:,.2f} USD" if pays > 0 else "",
    )


def _expiries(turn: Turn, pair: Automation) -> Iterator[Deadline]:
    for key in (pair.inverse, *pair.months):
        instrument, held = turn.state.instruments.get(key), turn.state.positions[key]
        if instrument is None or not held or instrument.terms.expiry is None:
            continue
        price = turn.market.last_mids.get(key)
        size = "" if price is None else f"{abs(instrument.xbt(held, price)):.2f} XBT of "
        yield Deadline(
            instrument.terms.expiry,
            f"{key} expires ({held:+} contracts)",
            "rolled or closed before, nothing happens then",
            f"it settles in cash, and {size}the other leg stand alone",
        )
