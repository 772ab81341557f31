"""What anybody may ask: contracts, indices, books, trades and their bins, funding, settlements, statistics."""

from collections.abc import Callable
from typing import Any

from adapters.simulator.bitmex import schema
from adapters.simulator.bitmex.assets import bitcoin_row, network_row
from adapters.simulator.bitmex.errors import ApiError
from adapters.simulator.bitmex.help import models, websocket_help
from adapters.simulator.bitmex.history import bin_size, quote_bins, trade_bins
from adapters.simulator.bitmex.params import Params
from adapters.simulator.bitmex.query import project, select
from adapters.simulator.bitmex.route import Route, Routes
from adapters.simulator.bitmex.schema import Schema
from adapters.simulator.bitmex.state import VenueState
from adapters.simulator.bitmex.venue_rows import INDEX, INDICES
from adapters.simulator.bitmex.wire import Row

_TIMED = ("timestamp", "symbol")
_OPEN = "Open"


class MarketRoutes:
    def __init__(self, state: VenueState) -> None:
        self._state = state

    def routes(self) -> Routes:
        state, market = self._state, self._state.market
        answers: dict[str, Callable[[Params], Any]] = {
            "/instrument": self._instruments,
            "/instrument/active": lambda params: self._active(params),
            "/instrument/indices": lambda params: state.index_rows(),
            "/instrument/activeAndIndices": lambda params: [*self._active(params), *state.index_rows()],
            "/instrument/activeIntervals": lambda params: state.intervals(),
            "/instrument/compositeIndex": self._composite,
            "/orderBook/L2": self._book,
            "/quote": self._history(market.quotes, schema.QUOTE),
            "/quote/bucketed": self._bucketed(market.quotes, quote_bins, schema.QUOTE),
            "/trade": self._history(market.trades, schema.TRADE),
            "/trade/bucketed": self._bucketed(market.trades, trade_bins, schema.TRADE_BIN),
            "/funding": self._history(market.funding, schema.FUNDING),
            "/settlement": self._history(state.settlements, schema.SETTLEMENT),
            "/liquidation": self._table(state.liquidations, schema.LIQUIDATION, "orderID"),
            "/insurance": self._table(state.insurance, schema.INSURANCE, "currency", "timestamp"),
            "/stats": lambda params: state.statistics(),
            "/stats/history": lambda params: state.statistics_by_day(),
            "/stats/historyUSD": lambda params: state.statistics_in_dollars(),
            "/announcement": lambda params: [],
            "/announcement/urgent": lambda params: [],
            "/schema": lambda params: models(params.text("model")),
            "/schema/websocketHelp": lambda params: websocket_help(),
            "/wallet/assets": lambda params: [bitcoin_row()],
            "/wallet/networks": lambda params: [network_row()],
        }
        return {("GET", path): Route(answer, private=False) for path, answer in answers.items()}

    def _instruments(self, params: Params) -> list[Row]:
        symbol = params.text("symbol")
        wanted = symbol.upper()
        rows = [] if wanted in INDICES else self._state.instruments(self._state.symbols(symbol))
        rows += [row for row in self._state.index_rows() if wanted in ("", row["symbol"])]
        return select(rows, schema.INSTRUMENT, params, keys=("symbol",))

    def _active(self, params: Params) -> list[Row]:
        rows = [row for row in self._state.instruments(self._state.symbols()) if row["state"] == _OPEN]
        return project(rows, schema.INSTRUMENT, params, ("symbol",))

    def _composite(self, params: Params) -> list[Row]:
        wanted = params.text("symbol") or INDEX
        rows = [self._state.composite_row()] if wanted.upper() == INDEX else []
        return select(rows, schema.INDEX_COMPOSITE, params, keys=_TIMED)

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
            return select(found, columns, params, keys=_TIMED, max_count=1000)

        return answer

    def _bucketed(
        self, rows: Callable[[list[str]], list[Row]], into_bins: Callable[..., list[Row]], columns: Schema
    ) -> Callable[[Params], list[Row]]:
        def answer(params: Params) -> list[Row]:
            size = bin_size(params.text("binSize") or "1m")
            partial, now = params.boolean("partial"), self._state.clock.now()
            found = [
                row
                for symbol in self._state.symbols(params.text("symbol"))
                for row in into_bins(symbol, rows([symbol]), size, now, partial=partial)
            ]
            found.sort(key=lambda row: row["timestamp"])
            return select(found, columns, params, keys=_TIMED, max_count=1000)

        return answer

    def _table(
        self, rows: Callable[[], list[Row]], columns: Schema, *keys: str
    ) -> Callable[[Params], list[Row]]:
        return lambda params: select(rows(), columns, params, keys=keys)
