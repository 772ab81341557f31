"""What may be built back after a closure: what its reduction took off, and the accounts carry."""

from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal

from bot.automation.books import account_at, broker_rate
from bot.automation.proposing import held_direction
from bot.model.automation import Automation
from bot.model.ids import Role
from bot.model.plans import Cause, PlanKind, PlanStatus
from bot.orders.state import BotState
from bot.orders.turn import Turn
from risk.capital import Stress
from risk.survival import inverse_need, linear_need

# A closure's reduction is built back within this time of it, or not at all.
_REMEMBERED = timedelta(days=7)
# What takes the spread down only for a while, or moves a hedge from one leg to the other.
_OF_ITSELF = (Cause.CLOSURE, Cause.COLLATERAL)


def is_to_be_rebuilt(turn: Turn, pair: Automation) -> bool:
    """Say whether what came off before a closure is still to be offered back."""
    wants = pair.closure is not None and pair.closure.rebuild_after is not None
    return wants and taken_off(turn.state, turn, pair) > 0


def carried(turn: Turn, pair: Automation) -> Decimal:
    """Return how much more spread (XBT, whole lots) both accounts carry at the margin watch's aim: built back beyond
    it, it would have to be topped up or reduced at once."""
    mids, limits = turn.market.last_mids, pair.margin
    if limits is None:
        return Decimal("Infinity")
    if pair.inverse not in mids or pair.linear not in mids:
        return Decimal(0)
    inverse = account_at(turn.state, pair.inverse, mids[pair.inverse])
    linear = account_at(turn.state, pair.linear, mids[pair.linear])
    if inverse is None or linear is None:
        return Decimal(0)
    direction = held_direction(turn.state, pair)
    maintenance = turn.state.instruments[pair.inverse].terms.maintenance_margin
    rate = broker_rate(turn, pair.linear, linear, limits.broker_rate)
    stress = Stress(-limits.aim, limits.aim, -limits.aim, limits.aim, maintenance, rate)
    inverse_side, linear_side = direction.inverse_side.sign, -direction.inverse_side.sign
    room = min(
        inverse.equity / inverse_need(Decimal(inverse_side), inverse.price, stress) - abs(inverse.size),
        linear.equity / linear_need(Decimal(linear_side), linear.price, stress) - abs(linear.size),
    )
    granule = turn.state.instruments[pair.linear].granule(linear.price)
    return max((room / granule).to_integral_value(ROUND_FLOOR), Decimal(0)) * granule


def taken_off(state: BotState, turn: Turn, pair: Automation) -> Decimal:
    """Return the XBT of linear contracts that reductions took off within the last week and nothing built back, since
    the spread was last taken down for another reason: who did that does not want it back."""
    total = Decimal(0)
    linear = state.instruments[pair.linear]
    for plan in reversed(list(state.plans.values())):
        spec = plan.spec
        if turn.now - plan.proposed_at > _REMEMBERED:
            break
        if plan.flattened or (
            spec.kind is PlanKind.CLOSE and spec.cause not in _OF_ITSELF and plan.has_traded
        ):
            break
        sign = {Cause.CLOSURE: 1, Cause.REBUILD: -1}.get(spec.cause)
        if sign is None or plan.status is PlanStatus.ACTIVE:
            continue
        for tranche in plan.tranches:
            for role in (Role.WORKING, Role.HEDGE):
                leg = tranche.legs.get(role)
                if leg is not None and leg.instrument == pair.linear:
                    filled = sum(order.filled for order in state.orders_of(leg))
                    total += sign * linear.xbt(filled, Decimal(1))
    return total
