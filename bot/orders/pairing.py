"""How much of a pair is worked next. Both legs are counted in whole lots of the coarse contract.

The linear contract is the coarse one (0.1 or 5 XBT a lot), the inverse one the fine (100 USD). With the coarse leg
working, its lots are the sizes there are, and the fine one hedges each of them. With the fine leg working, an order is
so large that with what is carried it comes to whole lots of the coarse one; a hedge is rounded to the nearest lot, and
up to half a lot is carried to the next fill. Where both are fine, two months of an inverse contract, the lead's own
contracts are the sizes, as with a coarse lead.
"""

from decimal import ROUND_HALF_EVEN, Decimal

from bot.model.ids import Role
from bot.model.policy import Policy
from bot.orders.hedging import held, holding, ladder
from bot.orders.sequential import may_yet_be_approved
from bot.orders.state import BotState, LegState, PlanState, TrancheState
from bot.orders.turn import Turn
from risk.approval import Purpose
from risk.instruments import Instrument
from risk.portfolio import Quote
from risk.terms import Kind


def remaining(turn: Turn, plan: PlanState, tranche: TrancheState) -> int:
    """Return the contracts the leading leg has yet to work."""
    lead, state = tranche.lead, turn.state
    instrument = state.instruments[lead.instrument]
    if not _has_coarse_hedge(state, tranche):
        worked = sum(order.filled for order in state.orders_of(lead) if order.purpose is Purpose.WORK)
        return max(lead.ticket.contracts - worked, 0)
    price = _price(turn, lead)
    left = nearest(instrument, _remaining_xbt(state, plan, tranche), price)
    return min(left, holding(state, lead)) if lead.ticket.material.reduce_only else left


def _has_coarse_hedge(state: BotState, tranche: TrancheState) -> bool:
    hedge = tranche.legs.get(Role.HEDGE)
    if hedge is None or state.instruments[tranche.lead.instrument].terms.kind is Kind.LINEAR:
        return False
    return state.instruments[hedge.instrument].terms.kind is Kind.LINEAR


def _remaining_xbt(state: BotState, plan: PlanState, tranche: TrancheState) -> Decimal:
    """Return the XBT that the fine leg has yet to work: the hedge's lots that are not traded yet, less what has been
    worked beyond those that are, whichever tranche has left it."""
    hedge, side = tranche.legs[Role.HEDGE], tranche.lead.ticket.material.side
    usage = state.usage(hedge)
    coarse = state.instruments[hedge.instrument]
    lots = hedge.ticket.contracts - int(usage.filled - usage.unwound)
    return coarse.xbt(lots, _ANY) - side.sign * plan.unhedged


_ANY = Decimal(1)  # a linear contract counts the same XBT at every price


def _price(turn: Turn, leg: LegState) -> Decimal:
    quote = turn.market.quotes.get(leg.instrument)
    level = None if quote is None else quote.take(leg.ticket.material.side)
    return leg.ticket.material.price_high if level is None else level.price


def nearest(instrument: Instrument, xbt: Decimal, price: Decimal) -> int:
    """Return the whole lots nearest to ``xbt`` at ``price``, in contracts; 0 for what is not positive."""
    lots = int((xbt / instrument.granule(price)).to_integral_value(ROUND_HALF_EVEN))
    return max(lots, 0) * instrument.terms.lot


def clip(
    turn: Turn,
    plan: PlanState,
    tranche: TrancheState,
    left: int,
    price: Decimal,
    partner: Quote,
    most: Decimal,
) -> int:
    """Return the contracts of the next working order of a pair, at most ``most`` XBT: no more than can be hedged lot
    by lot with the order ids left, nor, closing, than the hedge leg still holds."""
    lead, state = tranche.lead, turn.state
    instrument = state.instruments[lead.instrument]
    ceiling = min(left, instrument.contracts_for(most, price))
    if lead.ticket.material.reduce_only:
        ceiling = min(ceiling, holding(state, lead))
    if not _has_coarse_hedge(state, tranche):
        lots = answerable(turn.policy, tranche, ceiling // instrument.terms.lot)
        return min(lots * instrument.terms.lot, _pairable(turn, tranche, partner, ceiling))
    hedge = tranche.legs[Role.HEDGE]
    coarse = state.instruments[hedge.instrument]
    lot = coarse.granule(_ANY)
    lots = answerable(turn.policy, tranche, max(int(most / lot), 1))
    if hedge.ticket.material.reduce_only:
        lots = min(lots, held(state, hedge) // coarse.terms.lot)
    if not lots:
        return 0
    carried = lead.ticket.material.side.sign * plan.unhedged
    wanted = nearest(instrument, lots * lot - carried, price)
    # Of less than a lot only what makes a whole one with what is carried.
    return 0 if most < lot and wanted > ceiling else min(ceiling, wanted)


def answerable(policy: Policy, tranche: TrancheState, lots: int) -> int:
    """Return how many of ``lots`` may go: the ids left must do to hedge each by itself, and to unwind all."""
    if not tranche.is_spread:
        return lots if tranche.lead.attempts_left else 0
    if tranche.lead.attempts_left <= ladder(policy):
        return 0
    hedge = tranche.legs[Role.HEDGE]
    if may_yet_be_approved(hedge):
        return lots  # its approval will reserve them
    return max(min(lots, (hedge.attempts_left - ladder(policy)) // policy.ids_a_lot), 0)


def _pairable(turn: Turn, tranche: TrancheState, partner: Quote, most: int) -> int:
    """Return how many contracts of a coarse lead the fine hedge can answer: closing, what is held at today's price."""
    hedge, lead = tranche.legs[Role.HEDGE], tranche.lead
    level = partner.take(hedge.ticket.material.side)
    if not hedge.ticket.material.reduce_only or level is None:
        return most
    fine = turn.state.instruments[hedge.instrument]
    worth = fine.xbt(held(turn.state, hedge), level.price) + fine.granule(level.price)
    coarse = turn.state.instruments[lead.instrument]
    return max(coarse.contracts_for(worth, level.price), coarse.terms.lot)
