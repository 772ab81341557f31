"""The REST routes: who may call each, how it is rate-limited, and what answers it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from adapters.simulator.bitmex import schema
from adapters.simulator.bitmex.assets import bitcoin_row
from adapters.simulator.bitmex.auth import ApiKey, Permission
from adapters.simulator.bitmex.errors import ApiError
from adapters.simulator.bitmex.order_actions import OrderActions
from adapters.simulator.bitmex.params import Params
from adapters.simulator.bitmex.position_actions import PositionActions
from adapters.simulator.bitmex.query import filter_of, project, select
from adapters.simulator.bitmex.schema import Schema
from adapters.simulator.bitmex.state import VenueState
from adapters.simulator.bitmex.switch import DeadMansSwitch
from adapters.simulator.bitmex.wire import Row

_BORN = datetime(2020, 1, 1, tzinfo=UTC)
_ALL = "all"


@dataclass(frozen=True, slots=True)
class Route:
    """``second_layer``: also limited by the second. ``exempt``: a cancel, never refused for the minute's limit.

    ``acts``: reaches the matching engine, so it meets the venue's latency. ``places``: a new order.
    """

    answer: Callable[[Params], Any]
    private: bool = True
    permission: Permission | None = None
    second_layer: bool = False
    exempt: bool = False
    acts: bool = False
    places: bool = False


class Api:
    """Answers requests that are already authenticated, as rows."""

    def __init__(self, state: VenueState, key: ApiKey, actions: OrderActions, switch: DeadMansSwitch) -> None:
        self._state = state
        self._key = key
        self.routes = {
            **self._public(),
            **self._account(),
            **_trading(actions, switch, PositionActions(state)),
        }

    def _public(self) -> dict[tuple[str, str], Route]:
        market = self._state.market
        return {
            ("GET", "/instrument"): Route(self._instruments, private=False),
            ("GET", "/instrument/active"): Route(self._active, private=False),
            ("GET", "/orderBook/L2"): Route(self._book, private=False),
            ("GET", "/quote"): Route(self._history(market.quotes, schema.QUOTE), private=False),
            ("GET", "/trade"): Route(self._history(market.trades, schema.TRADE), private=False),
            ("GET", "/wallet/assets"): Route(lambda params: [bitcoin_row()], private=False),
            ("GET", "/funding"): Route(self._history(market.funding, schema.FUNDING), private=False),
        }

    def _account(self) -> dict[tuple[str, str], Route]:
        return {
            ("GET", "/apiKey"): Route(lambda params: [self._api_key()]),
            ("GET", "/user"): Route(lambda params: self._user()),
            ("GET", "/user/wallet"): Route(lambda params: self._in_xbt(params, self._state.wallet_row())),
            ("GET", "/user/margin"): Route(lambda params: self._in_xbt(params, self._state.margin())),
            ("GET", "/user/walletHistory"): Route(self._transactions),
            ("GET", "/order"): Route(self._orders),
            ("GET", "/execution"): Route(self._executions),
            ("GET", "/execution/tradeHistory"): Route(self._trade_history),
            ("GET", "/position"): Route(self._positions),
        }

    # Public

    def _instruments(self, params: Params) -> list[Row]:
        rows = self._state.instruments(self._state.symbols(params.text("symbol")))
        return select(rows, schema.INSTRUMENT, params, keys=("symbol",))

    def _active(self, params: Params) -> list[Row]:
        rows = [row for row in self._state.instruments(self._state.symbols()) if row["state"] == "Open"]
        return project(rows, schema.INSTRUMENT, params, ("symbol",))

    def _book(self, params: Params) -> list[Row]:
        depth = params.integer("depth")
        if depth is not None and depth < 0:
            raise ApiError(400, "depth is invalid")
        symbols = self._state.symbols(params.required("symbol"))
        return self._state.book_l2(symbols, 25 if depth is None else depth)

    def _history(
        self, rows: Callable[[list[str]], list[Row]], columns: Schema
    ) -> Callable[[Params], list[Row]]:
        def answer(params: Params) -> list[Row]:
            found = rows(self._state.symbols(params.text("symbol")))
            return select(found, columns, params, keys=("timestamp", "symbol"), max_count=1000)

        return answer

    # Account

    def _api_key(self) -> Row:
        return schema.API_KEY.row(
            id=self._key.id,
            name="basisbot",
            nonce=0,
            cidr="0.0.0.0/0",
            cidrs=[],
            targetAccountId=self._state.number,
            permissions=[permission.value for permission in self._key.permissions],
            enabled=True,
            userId=self._state.number,
            created=_BORN,
        )

    def _user(self) -> Row:
        return schema.USER.row(
            id=self._state.number,
            username=self._state.account,
            accountName="main",
            isUser=True,
            created=_BORN,
            lastUpdated=_BORN,
            preferences={},
            TFAEnabled="TOTP",
        )

    def _in_xbt(self, params: Params, row: Row) -> Row | list[Row]:
        currency = _currency(params)
        return [row] if currency == _ALL else row

    def _transactions(self, params: Params) -> list[Row]:
        _currency(params)
        rows = self._state.transactions()
        count = 10_000
        return select(rows, schema.TRANSACTION, params, default_count=count, max_count=count, reverse=True)

    def _orders(self, params: Params) -> list[Row]:
        is_open = filter_of(params).get("open")
        if is_open not in (None, True, False):
            raise ApiError(400, "filter values are not valid")
        orders = [
            order
            for order in self._state.exchange.orders(self._state.account)
            if is_open is None or is_open is not order.status.is_final
        ]
        rows = self._of_symbol(self._state.order_rows(orders), params)
        return select(rows, schema.ORDER, params, keys=("orderID",), ignore=frozenset({"open"}))

    def _executions(self, params: Params) -> list[Row]:
        rows = self._of_symbol(self._state.orders.executions, params)
        return select(rows, schema.EXECUTION, params, keys=("execID",))

    def _trade_history(self, params: Params) -> list[Row]:
        """Answer with what moved the balance: trades and funding."""
        moved = [row for row in self._state.orders.executions if row["execType"] in ("Trade", "Funding")]
        return select(self._of_symbol(moved, params), schema.EXECUTION, params, keys=("execID",))

    def _positions(self, params: Params) -> list[Row]:
        keys = ("account", "symbol", "currency")
        return select(self._state.positions(), schema.POSITION, params, keys=keys)

    def _of_symbol(self, rows: list[Row], params: Params) -> list[Row]:
        symbol = params.text("symbol")
        if not symbol:
            return rows
        symbols = self._state.symbols(symbol)
        return [row for row in rows if row["symbol"] in symbols]


def _trading(
    actions: OrderActions, switch: DeadMansSwitch, positions: PositionActions
) -> dict[tuple[str, str], Route]:
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


def _currency(params: Params) -> str:
    currency = params.text("currency") or "XBt"
    if currency not in ("XBt", _ALL):
        raise ApiError(400, "Invalid currency")
    return currency
