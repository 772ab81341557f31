"""What the key's owner may ask: the account, its money, orders, executions, positions."""

from datetime import UTC, datetime
from decimal import Decimal

from adapters.simulator.bitmex import schema
from adapters.simulator.bitmex.auth import ApiKey, Permission
from adapters.simulator.bitmex.errors import ApiError, invalid
from adapters.simulator.bitmex.order_rows import ppm
from adapters.simulator.bitmex.params import Params
from adapters.simulator.bitmex.query import filter_of, select
from adapters.simulator.bitmex.route import Route, Routes
from adapters.simulator.bitmex.state import VenueState
from adapters.simulator.bitmex.wallet import settlement_of
from adapters.simulator.bitmex.wire import Row
from adapters.simulator.exchange.refusal import ExchangeRefusal

_BORN = datetime(2020, 1, 1, tzinfo=UTC)
_ALL = "all"
_TRADED = frozenset({"Trade", "Liquidation"})
# What moved the balance.
_MONEY = frozenset({"Trade", "TradeCorrect", "TradeCancel", "Funding", "Settlement", "Liquidation"})


class AccountRoutes:
    def __init__(self, state: VenueState, key: ApiKey) -> None:
        self._state = state
        self._key = key

    def routes(self) -> Routes:
        return {
            ("GET", "/apiKey"): Route(lambda params: [self._api_key()]),
            ("GET", "/user"): Route(lambda params: self._user()),
            ("GET", "/user/commission"): Route(lambda params: self._commission()),
            ("GET", "/user/wallet"): Route(lambda params: self._in_xbt(params, self._state.wallet_row())),
            ("GET", "/user/margin"): Route(lambda params: self._in_xbt(params, self._state.margin())),
            ("GET", "/user/walletHistory"): Route(self._transactions),
            ("GET", "/user/walletSummary"): Route(self._wallet_summary),
            ("GET", "/user/executionHistory"): Route(self._execution_history),
            ("GET", "/user/quoteFillRatio"): Route(lambda params: self._quote_fill_ratio()),
            ("GET", "/user/quoteValueRatio"): Route(lambda params: self._quote_value_ratio()),
            ("GET", "/user/tradingVolume"): Route(lambda params: [self._trading_volume()]),
            ("POST", "/user/requestWithdrawal"): Route(self._withdraw, permission=Permission.WITHDRAW),
            ("GET", "/order"): Route(self._orders),
            ("GET", "/execution"): Route(self._executions),
            ("GET", "/execution/tradeHistory"): Route(self._trade_history),
            ("GET", "/position"): Route(self._positions),
        }

    def _commission(self) -> Row:
        """Answer with the fees by contract."""
        return {
            spec.symbol: {
                "makerFee": ppm(spec.maker_fee),
                "takerFee": ppm(spec.taker_fee),
                "settlementFee": Decimal(0),
            }
            for spec in self._state.exchange.specs()
        }

    def _wallet_summary(self, params: Params) -> list[Row]:
        """Answer with the sums by kind and contract, of what was completed between startTime and endTime."""
        _currency(params)
        since, until = params.time("startTime"), params.time("endTime")
        sums: dict[tuple[str, str], int] = {}
        for entry in self._state.wallet().entries:
            outside = (since and entry.at < since) or (until and entry.at > until)
            if entry.completed and not outside:
                key = (entry.kind, entry.symbol)
                sums[key] = sums.get(key, 0) + entry.amount
        return [
            schema.WALLET_SUMMARY.row(
                account=self._state.number, currency="XBt", transactType=kind, symbol=symbol, amount=amount
            )
            for (kind, symbol), amount in sorted(sums.items())
        ]

    def _execution_history(self, params: Params) -> list[Row]:
        """Answer with one contract's executions of the day, noon to noon UTC, that ``timestamp`` falls into."""
        symbol = self._state.contract(params.required("symbol")).symbol
        params.required("timestamp")
        at = params.time("timestamp")
        return [
            row
            for row in self._state.orders.executions
            if at and row["symbol"] == symbol and settlement_of(row["transactTime"]) == settlement_of(at)
        ]

    def _quote_fill_ratio(self) -> Row:
        """Answer with today's orders, and how many of them have dealt; the averages are of the same day."""
        now = self._state.clock.now()
        orders = [
            order
            for order in self._state.exchange.orders(self._state.account)
            if order.created_at.date() == now.date()
        ]
        quoted, dealt = len(orders), sum(order.cum > 0 for order in orders)
        return schema.QUOTE_FILL_RATIO.row(
            date=datetime(now.year, now.month, now.day, tzinfo=UTC),
            account=self._state.number,
            quoteCount=quoted,
            dealtCount=dealt,
            quotesMavg7=quoted,
            dealtMavg7=dealt,
            quoteFillRatioMavg7=(Decimal(dealt) / quoted).quantize(Decimal("0.0001"))
            if quoted
            else Decimal(0),
        )

    def _quote_value_ratio(self) -> Row:
        """Answer with today's volume (XBT) for each order placed or changed."""
        now = self._state.clock.now()
        rows = [row for row in self._state.orders.executions if row["transactTime"].date() == now.date()]
        quoted = len({row["orderID"] for row in rows if row["orderID"]})
        traded = [row for row in rows if row["execType"] in _TRADED]
        volume = sum((abs(row["homeNotional"]) for row in traded), Decimal(0))
        return schema.QUOTE_VALUE_RATIO.row(
            timestamp=now,
            account=self._state.number,
            symbol="XBTUSD",
            quoteCount=quoted,
            volumeXBT=volume,
            QVR=(volume / quoted).quantize(Decimal("0.0001")) if quoted else Decimal(0),
            id=1,
        )

    def _trading_volume(self) -> Row:
        """Answer with a thirtieth of the dollars traded: the venue averages thirty days."""
        traded = sum(row["lastQty"] for row in self._state.orders.executions if row["execType"] in _TRADED)
        daily = (Decimal(traded) / 30).quantize(Decimal("0.01"))
        return schema.TRADING_VOLUME.row(advUsd=daily, advUsdSpot=Decimal(0), advUsdContract=daily)

    def _withdraw(self, params: Params) -> Row:
        """POST /user/requestWithdrawal: confirmed at once, where the venue would first ask by mail."""
        if params.text("currency") not in ("", "XBt"):
            raise ApiError(400, "Invalid currency")
        params.required("address")
        amount = params.integer("amount")
        if amount is None or amount <= 0:
            raise invalid("Invalid amount")
        try:
            entry = self._state.exchange.deposit(self._state.account, -amount)
        except ExchangeRefusal as error:
            raise invalid("Account has insufficient Available Balance") from error
        rows = self._state.transactions()
        return next(row for row in rows if row["transactID"] == entry.entry_id)

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
        moved = [row for row in self._state.orders.executions if row["execType"] in _MONEY]
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


def _currency(params: Params) -> str:
    currency = params.text("currency") or "XBt"
    if currency not in ("XBt", _ALL):
        raise ApiError(400, "Invalid currency")
    return currency
