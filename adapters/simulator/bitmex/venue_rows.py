"""Rows about the venue as a whole: its index, its listed series, settlements, insurance, statistics."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from adapters.simulator.bitmex.market_rows import LISTED, interval
from adapters.simulator.bitmex.order_rows import SIDES, usd
from adapters.simulator.bitmex.schema import (
    INDEX_COMPOSITE,
    INSTRUMENT,
    INSURANCE,
    LIQUIDATION,
    SETTLEMENT,
    STATS,
    STATS_HISTORY,
    STATS_USD,
)
from adapters.simulator.bitmex.wire import Row
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.orders import SimOrder
from adapters.simulator.exchange.views import PositionView, Ticker

INDEX = ".BXBT"
AVERAGE = ".BXBT30M"
"""What dated contracts settle on: the index averaged over 30 minutes."""
INDICES = (INDEX, AVERAGE)
AVERAGE_EVERY = timedelta(minutes=1)
_DATED_SERIES = ("quarterly", "biquarterly")


def index_row(symbol: str, price: int | None, at: datetime) -> Row:
    """Return an index as an instrument that cannot be traded. ``price``: cents."""
    last = None if price is None else usd(price)
    return INSTRUMENT.row(
        symbol=symbol,
        rootSymbol="XBT",
        state="Unlisted",
        typ="MRCXXX",
        listing=LISTED,
        front=LISTED,
        underlying="XBT",
        quoteCurrency="USD",
        underlyingSymbol="XBT=",
        reference="BMEX",
        referenceSymbol=INDEX,
        publishInterval=interval(AVERAGE_EVERY if symbol == AVERAGE else timedelta(seconds=5)),
        tickSize=Decimal("0.01"),
        isQuanto=False,
        isInverse=False,
        taxed=False,
        deleverage=False,
        lastPrice=last,
        markMethod="LastPrice",
        markPrice=last,
        hasLiquidity=False,
        instantPnl=False,
        timestamp=at,
    )


def composite_row(price: int | None, at: datetime) -> Row:
    """Return what the index is made of: here one source, the simulated market itself."""
    last = None if price is None else usd(price)
    return INDEX_COMPOSITE.row(
        timestamp=at,
        symbol=INDEX,
        indexSymbol=INDEX,
        indexMultiplier=Decimal(1),
        reference="BMEX",
        lastPrice=last,
        sourcePrice=last,
        weight=Decimal(1),
        logged=at,
    )


def series(specs: Iterable[ContractSpec], now: datetime) -> dict[str, str]:
    """Return the symbol each series means now: ``XBT:perpetual``, ``XBT:quarterly``, ``XBT:biquarterly``."""
    listed = list(specs)
    found = {f"{spec.root}:perpetual": spec.symbol for spec in listed if spec.is_perpetual}
    dated = [(spec.expiry, spec) for spec in listed if spec.expiry is not None and spec.expiry > now]
    ordered = [spec for _, spec in sorted(dated, key=lambda pair: (pair[0], pair[1].symbol))]
    for name, spec in zip(_DATED_SERIES, ordered, strict=False):
        found[f"{spec.root}:{name}"] = spec.symbol
    return found


def settlement_row(spec: ContractSpec, settled: int) -> Row:
    return SETTLEMENT.row(
        timestamp=spec.expiry, symbol=spec.symbol, settlementType="Settlement", settledPrice=usd(settled)
    )


def liquidation_row(order: SimOrder) -> Row:
    """Return a live order of the liquidation engine."""
    return LIQUIDATION.row(
        orderID=order.order_id,
        symbol=order.symbol,
        side=SIDES[order.side],
        price=usd(order.price),
        leavesQty=order.leaves,
    )


def insurance_row(fund: int, now: datetime) -> Row:
    """Return the insurance fund (satoshi) at the last noon, UTC."""
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0)
    return INSURANCE.row(
        currency="XBt", timestamp=noon if noon <= now else noon - timedelta(days=1), walletBalance=fund
    )


def statistics_row(
    root: str, trades: Sequence[Row], held: Sequence[PositionView], tickers: Sequence[Ticker]
) -> Row:
    """Return 24 hours' volume of a root, and its open interest: what the simulated account holds."""
    since = max(ticker.at for ticker in tickers) - timedelta(hours=24)
    recent = [row for row in trades if row["timestamp"] > since]
    return STATS.row(
        rootSymbol=root,
        currency="XBt",
        volume24h=sum(row["size"] for row in recent),
        turnover24h=sum(row["grossValue"] for row in recent),
        openInterest=sum(abs(view.contracts) for view in held),
        openValue=sum(abs(view.value) for view in held),
    )


def history_rows(root: str, trades: Sequence[Row]) -> list[Row]:
    """Return a root's volume by day, UTC, the oldest first."""
    days: dict[datetime, list[Row]] = {}
    for row in trades:
        day = row["timestamp"].replace(hour=0, minute=0, second=0, microsecond=0)
        days.setdefault(day, []).append(row)
    return [
        STATS_HISTORY.row(
            date=day,
            rootSymbol=root,
            currency="XBt",
            volume=sum(row["size"] for row in rows),
            turnover=sum(row["grossValue"] for row in rows),
        )
        for day, rows in sorted(days.items())
    ]


def dollars_row(root: str, trades: Sequence[Row], now: datetime) -> Row:
    """Return a root's turnover in whole dollars: a contract is one."""

    def within(days: int) -> int:
        since = now - timedelta(days=days)
        return sum(int(row["size"]) for row in trades if row["timestamp"] > since)

    return STATS_USD.row(
        rootSymbol=root,
        currency="USD",
        turnover24h=within(1),
        turnover30d=within(30),
        turnover365d=within(365),
        turnover=sum(int(row["size"]) for row in trades),
    )
