"""What a ticket shows beside what it binds to: quotes and their age, Δ and margin before and after, what it costs if
the other leg fails. Reckoned when the ticket is raised, and again whenever somebody looks at it."""

from datetime import datetime
from decimal import Decimal

from bot.model.ids import Role
from bot.model.plans import ApprovalMode, PlanSpec
from bot.model.policy import Policy
from bot.model.tickets import Circumstances
from bot.orders.drafts import LegDraft
from bot.orders.margining import margin_use
from bot.orders.market import Market
from bot.orders.state import BotState
from risk.basis import executable_basis
from risk.instruments import Instrument
from risk.portfolio import MarginImpact, Quote
from risk.terms import Kind

_SATOSHI = Decimal("0.00000001")
_FRACTION = Decimal("0.0001")
_CENT = Decimal("0.01")


def circumstances(
    state: BotState,
    market: Market,
    policy: Policy,
    now: datetime,
    spec: PlanSpec,
    leg: LegDraft,
    partner: LegDraft | None,
) -> Circumstances | None:
    """Return how things stand for ``leg``; None where one of the plan's contracts has never been quoted."""
    inverse, linear = market.quotes.get(spec.inverse), market.quotes.get(spec.linear)
    if inverse is None or linear is None:
        return None
    instrument = state.instruments[leg.instrument]
    price = _price(market, leg)
    executable = executable_basis(spec.direction, spec.action, linear, inverse)
    delta = state.delta()
    after = delta + instrument.xbt(leg.side.sign * leg.contracts, price)
    both = None
    if partner is not None:
        other = state.instruments[partner.instrument]
        both = after + other.xbt(partner.side.sign * partner.contracts, _price(market, partner))
    use = margin_use(state, market, instrument, leg.side, leg.contracts, price)
    cost, naked = _cost(state, market, policy, spec, leg)
    waited = policy.hedge_deadline if spec.approval is ApprovalMode.SEQUENTIAL else policy.unhedged_limit * 0
    return Circumstances(
        inverse_bid=_bid(inverse),
        inverse_ask=_ask(inverse),
        inverse_age=inverse.age(now).total_seconds(),
        linear_bid=_bid(linear),
        linear_ask=_ask(linear),
        linear_age=linear.age(now).total_seconds(),
        basis=None if executable is None else executable.basis.absolute,
        delta_before=delta.quantize(_SATOSHI),
        # This leg alone; its pair's other leg brings Δ back.
        delta_after=after.quantize(_SATOSHI),
        delta_both=None if both is None else both.quantize(_SATOSHI),
        margin_before=_fraction(use.before),
        margin_after=_fraction(use.after),
        **_told(use.impact),
        cost_if_partner_fails=cost,
        naked_xbt=naked,
        naked_seconds=None if naked is None else (policy.unhedged_limit + waited).total_seconds(),
    )


def _cost(
    state: BotState, market: Market, policy: Policy, spec: PlanSpec, leg: LegDraft
) -> tuple[Decimal | None, Decimal | None]:
    """Return what it costs (USD) to take a working leg's order back, and its size in XBT.

    The largest working order fills at its limit, the slop through the touch; its hedge fails; and it is unwound through
    the hard band from where the other side of the book stands now. Both trades pay the taker fee, and the commission
    where the broker has said one. A market that runs away meanwhile comes on top. A hedge leg only ever answers what
    has filled: without its partner nothing of it is traded.
    """
    if leg.role is not Role.WORKING:
        return (Decimal(0) if leg.role is Role.HEDGE else None), None
    instrument, quote = state.instruments[leg.instrument], market.quotes[leg.instrument]
    touch, back = quote.take(leg.side), quote.take(leg.side.opposite)
    if touch is None or back is None:
        return None, None
    terms = instrument.terms
    ticks = policy.slop(terms.kind) if spec.legging.slop_ticks is None else spec.legging.slop_ticks
    first = touch.price + leg.side.sign * ticks * terms.tick
    last = back.price * (1 - leg.side.sign * policy.hard_band)
    contracts = min(leg.contracts, instrument.contracts_for(policy.max_unattended_delta, touch.price))
    size = instrument.xbt(contracts, first)
    fees = terms.taker_fee * size * (first + last) + 2 * _commission(market, instrument, contracts)
    if terms.kind is Kind.INVERSE:
        # n/p1 XBT become n/p2: the difference, in USD at the second price, is n (p2/p1 - 1); both fees are on n USD.
        fees = 2 * terms.taker_fee * contracts * terms.multiplier
    return (size * abs(last - first) + fees).quantize(_CENT), size.quantize(_SATOSHI)


def _commission(market: Market, instrument: Instrument, contracts: int) -> Decimal:
    """Return the commission (USD) for so many contracts, by what the broker last said of such an order, else 0."""
    told = market.impacts.get(instrument.id)
    if told is None or told.impact is None or told.impact.commission is None or not told.contracts:
        return Decimal(0)
    return told.impact.commission.amount * contracts / told.contracts


def _price(market: Market, leg: LegDraft) -> Decimal:
    quote = market.quotes.get(leg.instrument)
    mid = market.last_mids.get(leg.instrument) if quote is None or quote.mid is None else quote.mid
    return Decimal(1) if mid is None else mid


def _told(impact: MarginImpact | None) -> dict[str, Decimal]:
    """Return what the venue itself said the leg would need, in whole coins of its currency."""
    if impact is None:
        return {}
    told = {
        "initial_after": impact.initial_after.amount,
        "maintenance_after": impact.maintenance_after.amount,
        "equity_after": impact.equity_after.amount,
    }
    return told if impact.commission is None else {**told, "commission": impact.commission.amount}


def _fraction(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.quantize(_FRACTION)


def _bid(quote: Quote) -> Decimal | None:
    return None if quote.bid is None else quote.bid.price


def _ask(quote: Quote) -> Decimal | None:
    return None if quote.ask is None else quote.ask.price
