"""Time bins of what the public has seen. A bin bears the time of its end, as at the venue."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from adapters.simulator.bitmex.errors import ApiError
from adapters.simulator.bitmex.order_rows import xbt
from adapters.simulator.bitmex.records import MarketRecords
from adapters.simulator.bitmex.schema import QUOTE, TRADE_BIN
from adapters.simulator.bitmex.wire import Row

BINS = {
    "1m": timedelta(minutes=1),
    "5m": timedelta(minutes=5),
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST = 10_000


def bin_size(name: str) -> timedelta:
    """Raises ApiError 400."""
    if name not in BINS:
        raise ApiError(400, "binSize is invalid")
    return BINS[name]


def end_of_bin(at: datetime, size: timedelta) -> datetime:
    """Return the end of the bin that ``at`` falls into (one at a boundary sharp into that which begins there)."""
    return _EPOCH + ((at - _EPOCH) // size + 1) * size


def trade_bins(
    symbol: str, trades: Iterable[Row], size: timedelta, now: datetime, *, partial: bool
) -> list[Row]:
    """Return one row a bin from the first trade on; a bin without trades repeats the last price.

    The bin that runs now is left out unless ``partial``.
    """
    rows: list[Row] = []
    before, bins = _bins(trades, size, now, partial=partial)
    close = None if before is None else before["price"]
    for end, group in bins:
        row = _trade_bin(symbol, end, group, close)
        close = row["close"]
        rows.append(row)
    return rows


def quote_bins(
    symbol: str, quotes: Iterable[Row], size: timedelta, now: datetime, *, partial: bool
) -> list[Row]:
    """Return the last quote of every bin; one without a change repeats the quote before."""
    rows: list[Row] = []
    before, bins = _bins(quotes, size, now, partial=partial)
    last = before or QUOTE.row(symbol=symbol)
    for end, group in bins:
        last = group[-1] if group else last
        rows.append({**last, "timestamp": end})
    return rows


class BinWatch:
    """Notices the bins that end as time goes on."""

    def __init__(self, market: MarketRecords, symbols: Iterable[str], now: datetime) -> None:
        self._market = market
        self._ends = {
            (symbol, name): end_of_bin(now, size) for symbol in symbols for name, size in BINS.items()
        }

    def due(self, symbol: str, now: datetime) -> list[tuple[str, Row]]:
        """Return the table and the row of each bin of a contract that has ended since this was last asked."""
        found = []
        for name, size in BINS.items():
            if now < self._ends[symbol, name]:
                continue
            self._ends[symbol, name] = end_of_bin(now, size)
            found += [(f"{kind}Bin{name}", row) for kind, row in self.last(symbol, name, now)]
        return found

    def last(self, symbol: str, name: str, now: datetime) -> list[tuple[str, Row]]:
        """Return the last complete trade bin and quote bin, where there is one."""
        trades = trade_bins(symbol, self._market.trades([symbol]), BINS[name], now, partial=False)
        quotes = quote_bins(symbol, self._market.quotes([symbol]), BINS[name], now, partial=False)
        return [("trade", row) for row in trades[-1:]] + [("quote", row) for row in quotes[-1:]]


def _bins(
    rows: Iterable[Row], size: timedelta, now: datetime, *, partial: bool
) -> tuple[Row | None, list[tuple[datetime, list[Row]]]]:
    """Return every bin from the first row's to now's; of very many the last, and the row before them."""
    groups: dict[datetime, list[Row]] = {}
    for row in rows:
        groups.setdefault(end_of_bin(row["timestamp"], size), []).append(row)
    if not groups:
        return None, []
    running = end_of_bin(now, size)
    start = max(min(groups), running - _MOST * size)
    earlier = [end for end in groups if end < start]
    count = (running - start) // size + (1 if partial else 0)
    ends = [start + number * size for number in range(count)]
    return groups[max(earlier)][-1] if earlier else None, [(end, groups.get(end, [])) for end in ends]


def _trade_bin(symbol: str, end: datetime, trades: Sequence[Row], before: Decimal | None) -> Row:
    """``open`` is the close before, as at the venue; ``vwap`` is over contracts, ``turnover`` in satoshi."""
    prices = [row["price"] for row in trades]
    opening = prices[0] if before is None else before
    volume = sum(row["size"] for row in trades)
    turnover = sum(row["grossValue"] for row in trades)
    paid = sum((row["price"] * row["size"] for row in trades), Decimal(0))
    return TRADE_BIN.row(
        timestamp=end,
        symbol=symbol,
        open=opening,
        high=max([opening, *prices]),
        low=min([opening, *prices]),
        close=prices[-1] if prices else opening,
        trades=len(trades),
        volume=volume,
        vwap=(paid / volume).quantize(Decimal("0.0001"), ROUND_HALF_EVEN) if volume else None,
        lastSize=trades[-1]["size"] if trades else None,
        turnover=turnover,
        homeNotional=xbt(turnover),
        foreignNotional=Decimal(volume),
    )
