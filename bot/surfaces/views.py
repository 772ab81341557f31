"""The bot's state as plain JSON values, for the API and everything behind it. Decimals are text."""

from collections.abc import Iterable, Sequence
from datetime import MAXYEAR, datetime
from decimal import Decimal
from typing import Any

from bot.model.automation import Automation
from bot.model.differences import Difference, content_hash
from bot.model.ids import Role
from bot.model.plans import PlanSpec
from bot.model.policy import Policy
from bot.model.tickets import Circumstances, TicketStatus
from bot.model.transfer_book import Transfer
from bot.orders.circumstances import circumstances
from bot.orders.drafts import LegDraft
from bot.orders.market import Market
from bot.orders.state import BotState, ExitState, LegState, PlanState, TrancheState
from risk.instruments import InstrumentId
from risk.money import Money, from_units
from risk.terms import Kind

View = dict[str, Any]


def plain(value: Decimal | None) -> str | None:
    """Return a Decimal as text without exponent or trailing zeros."""
    return None if value is None else format(value.normalize() if value else Decimal(0), "f")


def status(state: BotState, market: Market, now: datetime, pair: Automation | None = None) -> View:
    """Return how things stand. ``pair``: the profile's, whose basis it is."""
    return {
        "trading": state.trading,
        "reconciled": market.reconciled,
        "differences": list(state.last_differences or ()),
        "links": {venue: link.value for venue, link in sorted(market.links.items())},
        "clocks": [
            {
                "venue": venue,
                "ahead_seconds_least": round(skew.least.total_seconds(), 3),
                "ahead_seconds_most": round(skew.most.total_seconds(), 3),
            }
            for venue, skew in sorted(market.skews.items())
        ],
        "sessions": [_session(market, key, now) for key in sorted(market.hours)],
        "quotes": [quote_view(market, key, now) for key in sorted(market.quotes)],
        "basis": _basis(state, market, pair),
        "accounts": [_account(market, venue) for venue in sorted(market.accounts)],
        "transfers_wanted": [
            {
                "venue": one.venue,
                "currency": one.currency,
                "amount": plain(one.amount),
                "reason": one.reason,
                "told_at": one.told_at.isoformat(),
            }
            for _, one in sorted(market.advice.items())
        ],
        "positions": [
            {"instrument": str(key), "contracts": contracts, "xbt": plain(_xbt(state, market, key))}
            for key, contracts in sorted(state.positions.items())
            if contracts
        ],
        # Known of, adopted as it is, and in no sum: contracts whose terms are not loaded, orders of others.
        "left_aside": {
            str(key): contracts for key, contracts in sorted(state.left_aside.items()) if contracts
        },
        "acknowledged_orders": [
            {"venue": venue, "order": order, "contracts": contracts}
            for (venue, order), contracts in sorted(state.acknowledged.items())
        ],
        "delta_xbt": plain(state.delta().quantize(Decimal("1e-8"))),
        # By the venues' own words, when all of them were last compared.
        "delta_venues_xbt": plain(
            None if market.delta_venues is None else market.delta_venues.quantize(Decimal("1e-8"))
        ),
        "delta_venues_at": None if market.delta_venues_at is None else market.delta_venues_at.isoformat(),
        "moves": {
            name: content
            for name, content in moves(state, now, only_open=True).items()
            if name != "unexplained"
        },
        "unhedged_xbt": plain(
            sum((plan.unhedged for plan in state.active_plans()), Decimal(0)).quantize(Decimal("1e-8"))
        ),
        "plans": [plan_view(plan, market) for plan in state.active_plans()],
        "exits": [_exit(of) for of in state.exits.values()],
        "open_tickets": len(asked(state)),
        "orders_in_flight": [
            {"id": client_id, "belief": order.belief, "outstanding": order.outstanding}
            for client_id, order in state.unsettled.items()
            if not order.guards
        ],
        "stops": [
            {
                "id": client_id,
                "instrument": str(order.request.instrument),
                "side": order.request.side,
                "contracts": order.outstanding,
                "trigger": plain(order.request.trigger),
            }
            for client_id, order in state.unsettled.items()
            if order.guards
        ],
    }


def comparison(found: Sequence[Difference]) -> View:
    """Return what differs, and the hash an adoption of it binds to (None: nothing differs)."""
    lines = [str(one) for one in found]
    return {
        "differences": lines,
        "items": [
            {"subject": one.subject, "venue": one.at_venue, "ledger": one.in_ledger, "text": str(one)}
            for one in found
        ],
        "hash": content_hash(lines) if lines else None,
    }


def moves(state: BotState, now: datetime, *, only_open: bool = False) -> View:
    """Return transfers, the oldest first; what lies beside the venues; and the flows that are no transfer's."""
    book = state.moves
    shown = book.open() if only_open else book.transfers.values()
    return {
        "transfers": [_transfer(one, now) for one in shown],
        "spot": {currency.value: plain(from_units(units)) for currency, units in book.spot.items() if units},
        "unexplained": [
            {
                "venue": one.flow.venue,
                "flow": one.flow.flow_id,
                "kind": one.flow.kind,
                "currency": one.flow.amount.currency,
                "amount": plain(from_units(abs(one.left))),
                "at": one.flow.at.isoformat(),
            }
            for one in book.loose.values()
        ],
    }


def _transfer(one: Transfer, now: datetime) -> View:
    recorded = one.recorded
    return {
        "id": recorded.transfer_id,
        "status": one.status,
        "currency": one.currency,
        "amount": plain(recorded.amount.amount),
        "source": recorded.source,
        "target": recorded.target,
        "has_left": one.has_left,
        "on_its_way": plain(from_units(one.in_transit)),
        "arrived": plain(from_units(one.arrived)),
        "recorded_at": one.at.isoformat(),
        "age_seconds": round((now - one.at).total_seconds(), 1),
        "by": recorded.by,
        "reason": recorded.reason,
        "flows": list(one.flows),
    }


def quote_view(market: Market, key: InstrumentId, now: datetime) -> View:
    quote = market.quotes[key]
    return {
        "instrument": str(key),
        "bid": plain(quote.bid.price if quote.bid else None),
        "bid_contracts": quote.bid.quantity if quote.bid else None,
        "ask": plain(quote.ask.price if quote.ask else None),
        "ask_contracts": quote.ask.quantity if quote.ask else None,
        "age_seconds": round(quote.age(now).total_seconds(), 3),
    }


def _session(market: Market, key: InstrumentId, now: datetime) -> View:
    hours = market.hours[key]
    closes, opens = hours.closes(now), hours.opens(now)
    return {
        "instrument": str(key),
        "session": hours.session(now),
        "closes": None if closes is None or closes.year == MAXYEAR else closes.isoformat(),
        "opens": None if opens is None else opens.isoformat(),
        "trouble": hours.trouble or None,
    }


def _basis(state: BotState, market: Market, pair: Automation | None) -> View | None:
    # Of two months the one the pair is held in.
    held = None if pair is None else pair.followed(state.positions)
    mids = {
        state.instruments[key].terms.kind: quote.mid
        for key, quote in market.quotes.items()
        if key in state.instruments and (held is None or key in (held.inverse, held.linear))
    }
    linear, inverse = mids.get(Kind.LINEAR), mids.get(Kind.INVERSE)
    if linear is None or inverse is None:
        return None
    return {
        "usd": plain((linear - inverse).quantize(Decimal("0.01"))),
        "percent": plain(((linear - inverse) / inverse * 100).quantize(Decimal("0.0001"))),
    }


def _money(money: Money) -> str:
    return str(money)


def _account(market: Market, venue: str) -> View:
    account = market.accounts[venue]
    return {
        "venue": venue,
        "wallet": _money(account.wallet),
        "equity": _money(account.equity),
        "available": _money(account.available),
        "initial_margin": _money(account.initial_margin),
        "maintenance_margin": _money(account.maintenance_margin),
    }


def _xbt(state: BotState, market: Market, key: InstrumentId) -> Decimal | None:
    instrument = state.instruments[key]
    quote = market.quotes.get(key)
    if instrument.terms.kind is Kind.LINEAR:
        return instrument.xbt(state.positions[key], Decimal(1))
    if quote is None or quote.mid is None:
        return None
    return instrument.xbt(state.positions[key], quote.mid).quantize(Decimal("1e-8"))


def plan_view(plan: PlanState, market: Market) -> View:
    spec = plan.spec
    counted = [tranche for tranche in plan.tranches if tranche.is_spread or _alone(spec) is not None]
    return {
        "plan": spec.plan_id,
        "kind": spec.kind,
        "direction": spec.direction,
        "from": str(spec.inverse) if spec.is_roll else None,
        "into": str(spec.linear) if spec.is_roll else None,
        "size_xbt": plain(spec.size_xbt),
        "single": _alone(spec),
        "cause": spec.cause,
        "why": spec.why or None,
        "tranches": spec.tranches,
        "tranches_done": sum(tranche.finished for tranche in counted),
        "status": plan.status,
        "stopping": plan.stopping or None,
        "reason": plan.reason or None,
        "waiting": market.waiting.get(spec.plan_id),
        "ladder": [
            {
                "size_xbt": plain(rung.xbt),
                "min_basis": plain(rung.basis.least),
                "max_basis": plain(rung.basis.most),
            }
            for rung in spec.ladder
        ],
        "pause_seconds": spec.pause,
        "exit_of": spec.exit_of or None,
        "working": "old" if spec.is_roll else spec.legging.working,
        "style": spec.legging.style,
        "unhedged_xbt": plain(plan.unhedged.quantize(Decimal("1e-8"))),
    }


def _exit(of: ExitState) -> View:
    rules = of.rules
    return {
        "plan": of.plan_id,
        "rules": str(rules),
        "stop": plain(rules.stop),
        "trail": plain(rules.trail),
        "inversion": rules.inversion,
        "profit": plain(rules.profit),
        "best": plain(of.best),
        "tripped": of.tripped,
        "tripped_at": None if of.tripped_at is None else of.tripped_at.isoformat(),
        "closing_plan": of.closings[-1] if of.closings else None,
    }


def _alone(spec: PlanSpec) -> str | None:
    """Say what a plan trades at one venue alone."""
    if spec.stops is not None:
        return f"{spec.stops} ({spec.inverse})"
    single = spec.single
    return None if single is None else f"{single.side} {single.contracts} {single.instrument}"


def plans(state: BotState, market: Market, older: Iterable[PlanState]) -> list[View]:
    """Return the plans, the latest last; ``older``: those that rest on the disk."""
    before = [plan for plan in older if plan.spec.plan_id not in dict(state.plans)]
    return [plan_view(plan, market) for plan in (*before, *state.plans.values())]


def asked(state: BotState) -> list[tuple[PlanState, TrancheState, LegState]]:
    """Return the legs whose tickets wait for a person."""
    return [
        (plan, plan.current, leg)
        for plan in state.active_plans()
        if plan.current is not None and (plan.current.armed or not plan.stopping)
        for leg in plan.current.legs.values()
        if leg.status is TicketStatus.OPEN
    ]


def tickets(state: BotState, market: Market, policy: Policy, now: datetime) -> list[View]:
    """Return the tickets that wait for a person, with quotes, Δ, margin and cost as they are now."""
    found = []
    for plan, tranche, leg in asked(state):
        drafts = {
            role: LegDraft(role, each.instrument, of.side, each.ticket.contracts, of.reduce_only)
            for role, each in tranche.legs.items()
            for of in (each.ticket.material,)
        }
        own = drafts.pop(leg.key.role)
        partner = next(iter(drafts.values()), None)
        seen = circumstances(state, market, policy, now, plan.spec, own, partner)
        found.append(_ticket(state, plan, leg, seen or leg.ticket.circumstances, now))
    return found


def _ticket(state: BotState, plan: PlanState, leg: LegState, seen: Circumstances, now: datetime) -> View:
    ticket, material = leg.ticket, leg.ticket.material
    instrument = state.instruments[material.instrument]
    return {
        "id": ticket.ticket_id,
        "hash": material.content_hash(),
        "plan": material.leg.plan_id,
        "tranche": material.leg.tranche,
        "role": material.leg.role.label,
        "roll": plan.spec.is_roll,
        "partner": _partner(leg),
        "purpose": ticket.purpose,
        "side": material.side,
        "instrument": str(material.instrument),
        "contracts": ticket.contracts,
        "at_most": plain(material.quantity),
        "unit": "contracts" if instrument.terms.kind is Kind.LINEAR else "XBT",
        "reduce_only": material.reduce_only,
        "price_low": plain(material.price_low),
        "price_high": plain(material.price_high),
        "min_basis": plain(material.min_basis),
        "max_basis": plain(material.max_basis),
        "inverse_bid": plain(seen.inverse_bid),
        "inverse_ask": plain(seen.inverse_ask),
        "inverse_age_seconds": None if seen.inverse_age is None else round(seen.inverse_age, 3),
        "linear_bid": plain(seen.linear_bid),
        "linear_ask": plain(seen.linear_ask),
        "linear_age_seconds": None if seen.linear_age is None else round(seen.linear_age, 3),
        "basis": plain(seen.basis),
        "delta_before_xbt": plain(seen.delta_before),
        "delta_after_xbt": plain(seen.delta_after),
        "delta_both_xbt": plain(seen.delta_both),
        "margin_before": plain(seen.margin_before),
        "margin_after": plain(seen.margin_after),
        "cost_if_partner_fails_usd": plain(seen.cost_if_partner_fails),
        "approval": plan.spec.approval,
        "naked_xbt": plain(seen.naked_xbt),
        "naked_seconds": seen.naked_seconds,
        "unhedged_xbt": plain(plan.unhedged.quantize(Decimal("1e-8"))),
        "approve_by": ticket.approve_by.isoformat(),
        "seconds_left": round((ticket.approve_by - now).total_seconds(), 1),
        "approve_within_seconds": (ticket.approve_by - ticket.raised_at).total_seconds(),
        "execute_within_seconds": ticket.execute_within,
    }


def _partner(leg: LegState) -> str | None:
    key = leg.key
    if key.role is Role.SINGLE:
        return None
    other = Role.HEDGE if key.role is Role.WORKING else Role.WORKING
    return f"{key.plan_id}-{key.tranche:02d}{other}"
