"""The REST routes, all of them."""

from adapters.simulator.bitmex.account_routes import AccountRoutes
from adapters.simulator.bitmex.auth import ApiKey, Permission
from adapters.simulator.bitmex.market_routes import MarketRoutes
from adapters.simulator.bitmex.order_actions import OrderActions
from adapters.simulator.bitmex.position_actions import PositionActions
from adapters.simulator.bitmex.route import Route, Routes
from adapters.simulator.bitmex.state import VenueState
from adapters.simulator.bitmex.switch import DeadMansSwitch


def routes(state: VenueState, key: ApiKey, actions: OrderActions, switch: DeadMansSwitch) -> Routes:
    """Return what answers each verb and path; requests come to it authenticated."""
    return {
        **MarketRoutes(state).routes(),
        **AccountRoutes(state, key).routes(),
        **_trading(actions, switch, PositionActions(state)),
    }


def _trading(actions: OrderActions, switch: DeadMansSwitch, positions: PositionActions) -> Routes:
    order, cancel = Permission.ORDER, Permission.ORDER_CANCEL
    return {
        ("POST", "/order"): Route(actions.place, permission=order, second_layer=True, acts=True, places=True),
        ("PUT", "/order"): Route(actions.amend, permission=order, second_layer=True, acts=True),
        ("DELETE", "/order"): Route(
            actions.cancel, permission=cancel, second_layer=True, exempt=True, acts=True
        ),
        ("DELETE", "/order/all"): Route(
            actions.cancel_all, permission=cancel, second_layer=True, exempt=True, acts=True
        ),
        ("POST", "/order/closePosition"): Route(
            actions.close_position, permission=order, second_layer=True, acts=True, places=True
        ),
        ("POST", "/order/cancelAllAfter"): Route(switch.set, permission=cancel, second_layer=True),
        ("POST", "/position/leverage"): Route(positions.leverage, permission=order, second_layer=True),
        ("POST", "/position/isolate"): Route(positions.isolate, permission=order, second_layer=True),
        ("POST", "/position/transferMargin"): Route(
            positions.transfer_margin, permission=order, second_layer=True
        ),
        ("POST", "/position/riskLimit"): Route(positions.risk_limit, permission=order),
    }
