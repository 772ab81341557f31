"""If nobody answers: what the hours ahead hold, what happens then with and without an answer, and what it costs.

A view of everything the watches and the tickets wait for, in the order of time; it decides nothing.
"""

from collections.abc import Iterator
from datetime import timedelta

from adapters.venue import LinkState
from bot.automation import ahead
from bot.automation.due import Deadline, each_per_cent, in_order
from bot.model.automation import Automation
from bot.model.plans import Cause
from bot.model.tickets import TicketStatus
from bot.orders.state import PlanState
from bot.orders.turn import Turn


def deadlines(turn: Turn, within: timedelta) -> list[Deadline]:
    """Return what is due within so long, soonest first, what is due at once before all else."""
    profile = turn.policy.automation
    pair = None if profile is None else profile.followed(turn.state.positions)
    found = [*_standstills(turn), *_tickets(turn), *_standing(turn)]
    if pair is not None and {pair.inverse, pair.linear} <= turn.state.instruments.keys():
        found += [*_displaced(turn, pair), *ahead.deadlines(turn, pair)]
    end = turn.now + within
    return in_order((one for one in found if one.at is None or one.at <= end), turn.now)


def _standstills(turn: Turn) -> Iterator[Deadline]:
    """What keeps the bot from answering by itself, whatever has been approved."""
    market, state = turn.market, turn.state
    if market.latched is not None:
        yield Deadline(
            None,
            f"the emergency command is in charge: {market.latched}",
            "trading can be enabled again once it has ended",
            "the bot sends nothing at all",
            do="basisbot status, then runbooks/emergency-flatten.md",
        )
    if market.differing_since is not None:
        yield Deadline(
            None,
            f"ledger and venues have not agreed since {market.differing_since:%a %R}Z",
            "the watches and what was approved go on",
            "what has filled is hedged, and nothing else is sent",
            do="basisbot reconcile",
        )
    if not any(state.positions.values()):
        return
    for venue, link in sorted(market.links.items()):
        if link is not LinkState.UP:
            yield Deadline(
                None,
                f"the link to {venue} is {link.value}",
                "it is tried again by itself",
                f"nothing can be hedged, reduced or taken back at {venue}",
                do="look at the network, the gateway and the venue (runbooks/link-down.md)",
            )
    if not state.trading.starts_orders:
        yield Deadline(
            None,
            f"trading is {state.trading.value} while positions are held",
            "the watches' proposals can be carried out",
            "what has filled is hedged; no reduction, no collateral's hedge is sent, approved or not",
            do="basisbot enable, once you know why",
        )


def _tickets(turn: Turn) -> Iterator[Deadline]:
    for plan in turn.state.active_plans():
        if plan.current is None or plan.stopping:
            continue
        legs = [leg for leg in plan.current.legs.values() if leg.status is TicketStatus.OPEN]
        if not legs:
            continue
        unanswered, cost = _left_alone(turn, plan)
        names = [leg.ticket.ticket_id for leg in legs]
        orders = (
            f"{leg.ticket.material.side.value} {leg.ticket.contracts:,} {leg.ticket.material.instrument}"
            for leg in legs
        )
        several = len(legs) > 1
        yield Deadline(
            min(leg.ticket.approve_by for leg in legs),
            f"ticket{'s' if several else ''} {' and '.join(names)}: {' and '.join(orders)}",
            "the tranche goes out once every leg is approved",
            f"{'they expire' if several else 'it expires'}; {unanswered}",
            cost,
            do=" and ".join(f"basisbot approve {name}" for name in names),
        )


def _left_alone(turn: Turn, plan: PlanState) -> tuple[str, str]:
    """Return what happens if a plan's tickets run out, and what that costs."""
    price = turn.market.last_mids.get(plan.spec.inverse)
    if plan.unhedged and price is not None:
        return (
            f"what has filled, {plan.unhedged:+.4f} XBT, is unwound",
            each_per_cent(plan.unhedged, price) + " until then, and the way back",
        )
    if plan.spec.cause in (Cause.COLLATERAL, Cause.ORPHAN) and price is not None:
        off = turn.state.delta() - plan.spec.target_delta
        return f"{plan.spec.why}: Δ stays {off:+.4f} XBT off its target", each_per_cent(off, price)
    if plan.spec.why:
        return f"{plan.spec.why}: that stays as it is", ""
    return "its plan ends, or asks again later", ""


def _standing(turn: Turn) -> Iterator[Deadline]:
    for name, given in sorted(turn.state.standing.items()):
        if not given.revoked and given.approval.ends_at > turn.now:
            uses = ", ".join(given.approval.uses)
            yield Deadline(
                given.approval.ends_at,
                f"standing approval {name} ends ({uses})",
                "a new one keeps what it covers going unattended",
                f"{uses} waits for a person from then on",
                do="basisbot standing add",
            )


def _displaced(turn: Turn, pair: Automation) -> Iterator[Deadline]:
    """Δ beyond the collateral's band, while nobody has been asked to bring it back."""
    limits, price = pair.collateral, turn.market.last_mids.get(pair.inverse)
    since = turn.market.beyond_band_since
    if limits is None or price is None or since is None or turn.state.active_plans():
        return
    off = turn.state.delta() - pair.target_delta
    if abs(off) <= limits.band or not turn.has_passed(limits.steady, since):
        return
    yield Deadline(
        None,
        f"Δ is {off:+.4f} XBT off its target, and has been beyond its band since {since:%a %R}Z",
        "a hedge is proposed by itself as soon as one can be traded",
        f"{abs(off):.4f} XBT stay naked",
        each_per_cent(off, price),
    )
