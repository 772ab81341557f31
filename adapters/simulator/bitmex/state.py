"""The venue as one account sees it: every row it could be shown, made from the exchange core on request."""

from collections.abc import Sequence
from datetime import datetime

from adapters.clock import Clock
from adapters.simulator.bitmex import venue_rows
from adapters.simulator.bitmex.account_rows import Holding, margin_row, position_row
from adapters.simulator.bitmex.errors import ApiError
from adapters.simulator.bitmex.market_rows import book10_row, book_l2_rows, instrument_row
from adapters.simulator.bitmex.records import MarketRecords, OrderRecords
from adapters.simulator.bitmex.tags import Tags
from adapters.simulator.bitmex.wallet import Bookings, Wallet, transaction_rows, wallet_row
from adapters.simulator.bitmex.wire import Row
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.orders import SimOrder
from adapters.simulator.exchange.views import Ticker

_FIRST_SYMBOL_NUMBER = 88


class VenueState:
    """``account``: the account's name in the core; ``number``: the one its rows carry."""

    def __init__(self, exchange: Exchange, clock: Clock, account: str, number: int) -> None:
        self.exchange = exchange
        self.clock = clock
        self.account = account
        self.number = number
        self.tags = Tags()
        self.orders = OrderRecords(exchange, self.tags, account, number)
        self.market = MarketRecords(exchange)
        self.bookings = Bookings()
        for execution in exchange.executions(account):
            self.bookings.note(execution)
        self._averaged: tuple[datetime, int | None] | None = None
        self._numbers = {
            spec.symbol: _FIRST_SYMBOL_NUMBER + place for place, spec in enumerate(exchange.specs())
        }

    # Contracts

    def symbols(self, symbol: str = "") -> list[str]:
        """Return the contracts a query's ``symbol`` means: all if empty, none if there is no such contract.

        A bare root means its nearest future, ``XBT:perpetual``, ``XBT:quarterly`` and ``XBT:biquarterly`` what the
        series is now. Case does not matter.
        """
        specs = {spec.symbol: spec for spec in self.exchange.specs()}
        wanted = symbol.upper()
        if not wanted:
            return list(specs)
        if wanted in specs:
            return [wanted]
        now = self.clock.now()
        named = {name.upper(): found for name, found in venue_rows.series(specs.values(), now).items()}
        root, _, name = wanted.partition(":")
        found = named.get(f"{root}:QUARTERLY" if name in ("", "NEAREST") else wanted)
        return [] if found is None else [found]

    def contract(self, symbol: str) -> ContractSpec:
        """Return the contract a request names; raise ApiError 400."""
        found = self.symbols(symbol) if symbol else []
        if not found:
            raise ApiError(400, "Invalid symbol")
        return self.exchange.spec(found[0])

    # Market rows

    def instruments(self, symbols: Sequence[str]) -> list[Row]:
        return [
            instrument_row(
                self.exchange.spec(symbol),
                ticker,
                self.market.funding_span(symbol),
                self.market.volume(symbol),
                self._trading_state(ticker),
            )
            for symbol in symbols
            for ticker in [self.exchange.ticker(symbol)]
        ]

    def _trading_state(self, ticker: Ticker) -> str:
        if ticker.settlement is not None:
            return "Settled"
        expiry = self.exchange.spec(ticker.symbol).expiry
        is_over = expiry is not None and expiry <= ticker.at
        return "Open" if self.exchange.is_open(ticker.symbol) and not is_over else "Closed"

    def book10(self, symbols: Sequence[str]) -> list[Row]:
        return [book10_row(self.exchange.book(symbol)) for symbol in symbols]

    def book_l2(self, symbols: Sequence[str], depth: int) -> list[Row]:
        return [
            row
            for symbol in symbols
            for row in book_l2_rows(self.exchange.book(symbol), self._numbers[symbol], depth)
        ]

    def index(self) -> int | None:
        """Return the index in cents, None before the market's first step."""
        return next((self.exchange.ticker(spec.symbol).index for spec in self.exchange.specs()), None)

    def index_rows(self) -> list[Row]:
        now = self.clock.now()
        return [
            venue_rows.index_row(venue_rows.INDEX, self.index(), now),
            venue_rows.index_row(venue_rows.AVERAGE, self._average(now), now),
        ]

    def _average(self, now: datetime) -> int | None:
        """Return the 30-minute average as of the last whole minute: it is published so often."""
        minute = now.replace(second=0, microsecond=0)
        if self._averaged is None or self._averaged[0] != minute or self._averaged[1] is None:
            symbol = self.exchange.specs()[0].symbol
            average = self.exchange.average_index(symbol, minute)
            self._averaged = minute, self.index() if average is None else average
        return self._averaged[1]

    def composite_row(self) -> Row:
        return venue_rows.composite_row(self.index(), self.clock.now())

    def intervals(self) -> Row:
        found = venue_rows.series(self.exchange.specs(), self.clock.now())
        return {"intervals": list(found), "symbols": list(found.values())}

    def settlements(self, symbols: Sequence[str]) -> list[Row]:
        """Return what contracts settled at, the oldest first."""
        rows = [
            venue_rows.settlement_row(self.exchange.spec(symbol), settled)
            for symbol in symbols
            if (settled := self.exchange.ticker(symbol).settlement) is not None
        ]
        return sorted(rows, key=lambda row: row["timestamp"])

    def liquidations(self) -> list[Row]:
        return [venue_rows.liquidation_row(order) for order in self.live_orders() if order.forced]

    def insurance(self) -> list[Row]:
        return [venue_rows.insurance_row(self.exchange.insurance_fund, self.clock.now())]

    def statistics(self) -> list[Row]:
        """Return one row a root."""
        rows = []
        for root, symbols in self._roots().items():
            held = [view for view in self.exchange.positions(self.account) if view.symbol in symbols]
            tickers = [self.exchange.ticker(symbol) for symbol in symbols]
            rows.append(venue_rows.statistics_row(root, self.market.trades(symbols), held, tickers))
        return rows

    def statistics_by_day(self) -> list[Row]:
        return [
            row
            for root, symbols in self._roots().items()
            for row in venue_rows.history_rows(root, self.market.trades(symbols))
        ]

    def statistics_in_dollars(self) -> list[Row]:
        """Return one row a root."""
        return [
            venue_rows.dollars_row(root, self.market.trades(symbols), self.clock.now())
            for root, symbols in self._roots().items()
        ]

    def _roots(self) -> dict[str, list[str]]:
        """Return the contracts of each root."""
        roots: dict[str, list[str]] = {}
        for spec in sorted(self.exchange.specs(), key=lambda spec: spec.root):
            roots.setdefault(spec.root, []).append(spec.symbol)
        return roots

    # Account rows

    def live_orders(self) -> list[SimOrder]:
        return self.exchange.orders(self.account, live_only=True)

    def order_rows(self, orders: Sequence[SimOrder]) -> list[Row]:
        return [self.orders.order(order) for order in orders]

    def wallet(self) -> Wallet:
        return self.bookings.wallet(self.exchange.cash(self.account), self.clock.now())

    def positions(self) -> list[Row]:
        wallet = self.wallet()
        return [position_row(holding, wallet, self.number) for holding in self._holdings()]

    def position(self, symbol: str) -> Row:
        """Return one position's row, whether it was ever held or not."""
        return position_row(self._holding(symbol), self.wallet(), self.number)

    def margin(self) -> Row:
        account = self.exchange.account(self.account)
        return margin_row(account, self._holdings(), self.wallet(), self.number)

    def wallet_row(self) -> Row:
        return wallet_row(self.wallet(), self.number)

    def transactions(self) -> list[Row]:
        return transaction_rows(self.wallet(), self.exchange.positions(self.account), self.number)

    def _holdings(self) -> list[Holding]:
        """Return what was ever held or is being ordered, by symbol."""
        symbols = {view.symbol for view in self.exchange.positions(self.account)}
        symbols |= {order.symbol for order in self.live_orders()}
        return [self._holding(symbol) for symbol in sorted(symbols)]

    def _holding(self, symbol: str) -> Holding:
        return Holding(
            view=self.exchange.position(self.account, symbol),
            spec=self.exchange.spec(symbol),
            orders=[order for order in self.live_orders() if order.symbol == symbol],
            commission=self.bookings.commission(symbol),
        )
