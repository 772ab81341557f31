"""Instrument, book, quote and trade rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from adapters.simulator.bitmex.order_rows import SIDES, guid, ppm, usd, xbt
from adapters.simulator.bitmex.schema import BOOK_L2, FUNDING, INSTRUMENT, QUOTE, TRADE
from adapters.simulator.bitmex.wire import Row
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.orders import Execution, Liquidity, Side
from adapters.simulator.exchange.views import BookLevel, BookView, Ticker

PERPETUAL, FUTURE = "FFWCSX", "FFCCSX"
LISTED = datetime(2016, 5, 13, 12, tzinfo=UTC)
MAX_PRICE = 1_000_000
SATOSHI = 100_000_000


@dataclass(frozen=True, slots=True)
class Volume:
    """What has traded in a contract since the venue started: contracts, and satoshi."""

    contracts: int = 0
    value: int = 0


def interval(span: timedelta) -> datetime:
    """Write a span as the venue does: as a time of 1 January 2000."""
    return datetime(2000, 1, 1, tzinfo=UTC) + span


def instrument_row(
    spec: ContractSpec, ticker: Ticker, funding_span: timedelta, volume: Volume, state: str
) -> Row:
    """Return a contract's row: its terms, and its prices now. Statistics the venue keeps by day are null."""
    bid, ask = _maybe(ticker.bid), _maybe(ticker.ask)
    mid = None if bid is None or ask is None else (bid + ask) / 2
    mark, index, last = _maybe(ticker.mark), _maybe(ticker.index), _maybe(ticker.last)
    impact_bid, impact_ask = _maybe(ticker.impact_bid), _maybe(ticker.impact_ask)
    perpetual = spec.is_perpetual
    rate = None if ticker.funding_rate is None else ppm(ticker.funding_rate)
    return INSTRUMENT.row(
        symbol=spec.symbol,
        rootSymbol=spec.root,
        state=state,
        typ=PERPETUAL if perpetual else FUTURE,
        listing=LISTED,
        front=LISTED,
        expiry=spec.expiry,
        settle=spec.expiry,
        listedSettle=spec.expiry,
        positionCurrency="USD",
        underlying="XBT",
        quoteCurrency="USD",
        underlyingSymbol="XBT=",
        reference="BMEX",
        referenceSymbol=".BXBT" if perpetual else ".BXBT30M",
        maxOrderQty=spec.max_quantity,
        maxPrice=Decimal(MAX_PRICE),
        lotSize=spec.lot,
        tickSize=usd(spec.tick),
        multiplier=-SATOSHI * spec.multiplier,
        settlCurrency="XBt",
        underlyingToSettleMultiplier=-SATOSHI * spec.multiplier,
        isQuanto=False,
        isInverse=True,
        initMargin=ppm(spec.initial_margin_long),
        maintMargin=ppm(spec.maintenance_margin_long),
        riskLimit=spec.risk_limit,
        riskStep=spec.risk_step,
        taxed=True,
        deleverage=True,
        makerFee=ppm(spec.maker_fee),
        takerFee=ppm(spec.taker_fee),
        settlementFee=Decimal(0),
        fundingBaseSymbol=".XBTBON8H" if perpetual else "",
        fundingQuoteSymbol=".USDBON8H" if perpetual else "",
        fundingPremiumSymbol=".XBTUSDPI8H" if perpetual else "",
        fundingTimestamp=ticker.next_funding,
        fundingInterval=None if ticker.next_funding is None else interval(funding_span),
        fundingRate=rate,
        indicativeFundingRate=rate,
        totalVolume=volume.contracts,
        volume=volume.contracts,
        totalTurnover=volume.value,
        turnover=volume.value,
        lastPrice=last,
        lastPriceProtected=last,
        bidPrice=bid,
        midPrice=mid,
        askPrice=ask,
        impactBidPrice=impact_bid,
        impactMidPrice=None if impact_bid is None or impact_ask is None else (impact_bid + impact_ask) / 2,
        impactAskPrice=impact_ask,
        hasLiquidity=mid is not None,
        fairMethod="FundingRate" if perpetual else "ImpactMidPrice",
        fairBasis=None if mark is None or index is None else mark - index,
        fairPrice=mark,
        markMethod="FairPrice",
        markPrice=mark,
        indicativeSettlePrice=index,
        settledPrice=_maybe(ticker.settlement),
        instantPnl=True,
        minTick=Decimal("0.01"),
        timestamp=ticker.at,
    )


def quote_row(ticker: Ticker, book: BookView) -> Row:
    """Return the top of a book; a side that is empty is null."""
    return QUOTE.row(
        timestamp=book.at,
        symbol=ticker.symbol,
        bidSize=book.bids[0].quantity if book.bids else None,
        bidPrice=_maybe(ticker.bid),
        askPrice=_maybe(ticker.ask),
        askSize=book.asks[0].quantity if book.asks else None,
    )


def book10_row(book: BookView) -> Row:
    """Return ten levels a side as [price, size] pairs."""
    return {
        "symbol": book.symbol,
        "bids": _pairs(book.bids),
        "asks": _pairs(book.asks),
        "timestamp": book.at,
    }


def book_l2_rows(book: BookView, symbol_number: int, depth: int) -> list[Row]:
    """Return ``depth`` levels a side (0: all), from the highest price down, as the venue does.

    A level's ``id`` comes of its symbol and price, so that it is the same whenever the level is.
    """
    kept = [levels[: depth or len(levels)] for levels in (book.bids, book.asks)]
    return [
        BOOK_L2.row(
            symbol=book.symbol,
            id=10**9 * symbol_number - level.price,
            side=SIDES[side],
            size=level.quantity,
            price=usd(level.price),
            timestamp=book.at,
        )
        for side, levels in ((Side.SELL, reversed(kept[1])), (Side.BUY, kept[0]))
        for level in levels
    ]


def public_trade_row(execution: Execution, last: int | None, direction: str) -> Row:
    """Return a trade as the public sees it: ``side`` is the taker's. ``last``, ``direction``: the one before."""
    taker = execution.side if execution.liquidity is Liquidity.TAKER else execution.side.opposite
    return TRADE.row(
        timestamp=execution.at,
        symbol=execution.symbol,
        side=SIDES[taker],
        size=execution.quantity,
        price=usd(execution.price),
        tickDirection=tick_direction(execution.price, last, direction),
        trdMatchID=guid("match", execution.exec_id),
        grossValue=abs(execution.cost),
        homeNotional=xbt(abs(execution.cost)),
        foreignNotional=Decimal(execution.quantity),
        trdType="Regular",
    )


def tick_direction(price: int, last: int | None, before: str) -> str:
    """Say how a trade's price moved: a Zero tick keeps the sign of the last move."""
    if last is None:
        return "ZeroPlusTick"
    if price != last:
        return "PlusTick" if price > last else "MinusTick"
    return "ZeroMinusTick" if before.endswith("MinusTick") else "ZeroPlusTick"


def funding_history_row(symbol: str, at: datetime, span: timedelta, rate_ppm: int) -> Row:
    day, microsecond = timedelta(days=1), timedelta(microseconds=1)
    daily = Decimal(day // microsecond) / Decimal(span // microsecond)
    return FUNDING.row(
        timestamp=at,
        symbol=symbol,
        fundingInterval=interval(span),
        fundingRate=ppm(rate_ppm),
        fundingRateDaily=ppm(rate_ppm) * daily,
    )


def _pairs(levels: Sequence[BookLevel]) -> list[list[Decimal | int]]:
    return [[usd(level.price), level.quantity] for level in levels[:10]]


def _maybe(cents: int | None) -> Decimal | None:
    return None if cents is None else usd(cents)
