"""One plan in full, as plain JSON values: what was asked for, why it waits, and every ticket, order and fill."""

from datetime import datetime

from bot.orders.market import Market
from bot.orders.state import BotState, LegState, OrderState, PlanState, TrancheState
from bot.surfaces.views import View, plain, plan_view
from risk.orders import Fill


def plan_detail(state: BotState, market: Market, plan: PlanState, now: datetime) -> View:
    """Return a plan with its tranches. Fills that rest on the disk are not among them; ``filled`` counts them."""
    spec = plan.spec
    fills = _fills(state, plan)
    since = plan.unhedged_since
    return {
        **plan_view(plan, market),
        "inverse": str(spec.inverse),
        "linear": str(spec.linear),
        "proposed_at": plan.proposed_at.isoformat(),
        "proposed_by": spec.proposed_by,
        "min_basis": plain(spec.min_basis),
        "max_basis": plain(spec.max_basis),
        "ladder": [str(rung) for rung in spec.ladder],
        "pause_seconds": spec.pause,
        "exit": None if spec.exit is None else str(spec.exit),
        "exit_of": spec.exit_of or None,
        "collateral": spec.collateral,
        "target_delta_xbt": plain(spec.target_delta),
        "naked_seconds": None if since is None else round((now - since).total_seconds(), 3),
        "tranche_list": [_tranche(state, tranche, fills) for tranche in plan.tranches],
    }


def _fills(state: BotState, plan: PlanState) -> dict[str, list[Fill]]:
    """Return the plan's fills by their order, each in the order it was told."""
    ours: dict[str, list[Fill]] = {
        client_id: []
        for tranche in plan.tranches
        for leg in tranche.legs.values()
        for client_id in leg.orders
    }
    for execution in list(state.executions.values()):
        fill = execution.fill
        if fill is not None and fill.client_order_id in ours:
            ours[fill.client_order_id].append(fill)
    return ours


def _tranche(state: BotState, tranche: TrancheState, fills: dict[str, list[Fill]]) -> View:
    return {
        "number": tranche.number,
        "state": "finished" if tranche.finished else "armed" if tranche.armed else "waits for approval",
        "legs": [_leg(state, leg, fills) for leg in tranche.legs.values()],
    }


def _leg(state: BotState, leg: LegState, fills: dict[str, list[Fill]]) -> View:
    material = leg.ticket.material
    return {
        "ticket": leg.ticket.ticket_id,
        "role": leg.key.role.label,
        "status": leg.status,
        "approved_by": None if leg.envelope is None else leg.envelope.approved_by,
        "side": material.side,
        "instrument": str(leg.instrument),
        "contracts": leg.ticket.contracts,
        "orders": [_order(order, fills) for order in state.orders_of(leg)],
    }


def _order(order: OrderState, fills: dict[str, list[Fill]]) -> View:
    request = order.request
    return {
        "id": request.client_order_id,
        "purpose": order.purpose,
        "side": request.side,
        "contracts": request.quantity,
        "price": plain(request.price),
        "belief": order.belief,
        "filled": order.filled,
        "at": order.intended_at.isoformat(),
        "fills": [
            {
                "execution": fill.execution_id,
                "contracts": fill.quantity,
                "price": plain(fill.price),
                "at": fill.at.isoformat(),
            }
            for fill in fills.get(request.client_order_id, ())
        ],
    }
