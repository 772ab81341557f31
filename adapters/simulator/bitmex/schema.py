"""The columns of the venue's tables, as its published API description lists them.

Types are the venue's own words for them, as its websocket states them in every ``partial``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.simulator.bitmex.wire import Row

# Columns of the text types are "" where nothing is set, as at the venue; all others are null.
_TEXT = frozenset({"symbol", "string"})


@dataclass(frozen=True)
class Schema:
    """One row type. ``extra`` columns are sent by the venue but missing in its description of May 2024."""

    name: str
    types: Mapping[str, str]
    extra: frozenset[str] = frozenset()
    _blank: Row = field(init=False)

    def __post_init__(self) -> None:
        blank = {column: "" if kind in _TEXT else None for column, kind in self.types.items()}
        object.__setattr__(self, "_blank", blank)

    def row(self, **values: Any) -> Row:
        """Return a whole row: every column, in order, unset ones blank. Raises KeyError for a stray column."""
        row = dict(self._blank)
        for column, value in values.items():
            if column not in row:
                raise KeyError(f"{self.name} has no column {column}")
            row[column] = value
        return row


def _schema(name: str, columns: str, extra: str = "") -> Schema:
    types: dict[str, str] = {}
    for group in f"{columns} {extra}".split():
        kind, _, names = group.partition("=")
        for column in names.split(","):
            types[column] = kind
    extras = [name for group in extra.split() for name in group.partition("=")[2].split(",")]
    return Schema(name, types, frozenset(extras))


ORDER = _schema(
    "Order",
    "guid=orderID string=clOrdID,clOrdLinkID long=account symbol=symbol,side long=orderQty float=price "
    "long=displayQty float=stopPx,pegOffsetValue symbol=pegPriceType,currency,settlCurrency,ordType,"
    "timeInForce,execInst,contingencyType,ordStatus,triggered boolean=workingIndicator symbol=ordRejReason "
    "long=leavesQty,cumQty float=avgPx string=text timestamp=transactTime,timestamp",
    extra="symbol=strategy",
)
EXECUTION = _schema(
    "Execution",
    "guid=execID,orderID string=clOrdID,clOrdLinkID long=account symbol=symbol,side long=lastQty float=lastPx "
    "symbol=lastLiquidityInd long=orderQty float=price long=displayQty float=stopPx,pegOffsetValue "
    "symbol=pegPriceType,currency,settlCurrency,execType,ordType,timeInForce,execInst,contingencyType,"
    "ordStatus,triggered boolean=workingIndicator symbol=ordRejReason long=leavesQty,cumQty "
    "float=avgPx,commission symbol=feeType,tradePublishIndicator string=text guid=trdMatchID "
    "long=execCost,execComm float=homeNotional,foreignNotional timestamp=transactTime,timestamp",
    extra="symbol=strategy long=realisedPnl",
)
POSITION = _schema(
    "Position",
    "long=account symbol=symbol,currency,underlying,quoteCurrency float=commission,initMarginReq,"
    "maintMarginReq long=riskLimit float=leverage boolean=crossMargin float=deleveragePercentile "
    "long=rebalancedPnl,prevRealisedPnl,prevUnrealisedPnl,openingQty,openOrderBuyQty,openOrderBuyCost,"
    "openOrderBuyPremium,openOrderSellQty,openOrderSellCost,openOrderSellPremium,currentQty,currentCost,"
    "currentComm,realisedCost,unrealisedCost,grossOpenPremium boolean=isOpen float=markPrice "
    "long=markValue,riskValue float=homeNotional,foreignNotional symbol=posState long=posCost,posCross,"
    "posComm,posLoss,posMargin,posMaint,initMargin,maintMargin,realisedPnl,unrealisedPnl "
    "float=unrealisedPnlPcnt,unrealisedRoePcnt,avgCostPrice,avgEntryPrice,breakEvenPrice,marginCallPrice,"
    "liquidationPrice,bankruptPrice timestamp=timestamp",
    extra="symbol=strategy",
)
MARGIN = _schema(
    "Margin",
    "long=account symbol=currency long=riskLimit symbol=state long=amount,prevRealisedPnl,grossComm,"
    "grossOpenCost,grossOpenPremium,grossExecCost,grossMarkValue,riskValue,initMargin,maintMargin,"
    "targetExcessMargin,realisedPnl,unrealisedPnl,walletBalance,marginBalance float=marginLeverage,"
    "marginUsedPcnt long=excessMargin,availableMargin,withdrawableMargin float=makerFeeDiscount,"
    "takerFeeDiscount timestamp=timestamp",
)
WALLET = _schema(
    "Wallet",
    "long=account symbol=currency long=deposited,withdrawn,transferIn,transferOut,amount,pendingCredit,"
    "pendingDebit,confirmedDebit timestamp=timestamp",
)
TRANSACTION = _schema(
    "Transaction",
    "guid=transactID long=account symbol=currency,network,transactType long=amount,fee "
    "symbol=transactStatus string=address,tx,text timestamp=transactTime,timestamp long=walletBalance",
)
INSTRUMENT = _schema(
    "Instrument",
    "symbol=symbol,rootSymbol,state,typ timestamp=listing,front,expiry,settle,listedSettle "
    "symbol=positionCurrency,underlying,quoteCurrency,underlyingSymbol,reference,referenceSymbol "
    "timestamp=calcInterval,publishInterval,publishTime long=maxOrderQty float=maxPrice long=lotSize "
    "float=tickSize long=multiplier symbol=settlCurrency long=underlyingToPositionMultiplier,"
    "underlyingToSettleMultiplier,quoteToSettleMultiplier boolean=isQuanto,isInverse float=initMargin,"
    "maintMargin long=riskLimit,riskStep float=limit boolean=taxed,deleverage float=makerFee,takerFee,"
    "settlementFee symbol=fundingBaseSymbol,fundingQuoteSymbol,fundingPremiumSymbol "
    "timestamp=fundingTimestamp,fundingInterval float=fundingRate,indicativeFundingRate "
    "timestamp=rebalanceTimestamp,rebalanceInterval float=prevClosePrice,limitDownPrice,limitUpPrice "
    "long=totalVolume,volume,volume24h,prevTotalTurnover,totalTurnover,turnover,turnover24h "
    "float=homeNotional24h,foreignNotional24h,prevPrice24h,vwap,highPrice,lowPrice,lastPrice,"
    "lastPriceProtected symbol=lastTickDirection float=lastChangePcnt,bidPrice,midPrice,askPrice,"
    "impactBidPrice,impactMidPrice,impactAskPrice boolean=hasLiquidity long=openInterest,openValue "
    "symbol=fairMethod float=fairBasisRate,fairBasis,fairPrice symbol=markMethod float=markPrice,"
    "indicativeSettlePrice,settledPriceAdjustmentRate,settledPrice boolean=instantPnl float=minTick "
    "timestamp=timestamp",
)
QUOTE = _schema(
    "Quote", "timestamp=timestamp symbol=symbol long=bidSize float=bidPrice,askPrice long=askSize"
)
TRADE = _schema(
    "Trade",
    "timestamp=timestamp symbol=symbol,side long=size float=price symbol=tickDirection guid=trdMatchID "
    "long=grossValue float=homeNotional,foreignNotional symbol=trdType",
)
FUNDING = _schema(
    "Funding",
    "timestamp=timestamp symbol=symbol timestamp=fundingInterval float=fundingRate,fundingRateDaily",
)
BOOK_L2 = _schema(
    "OrderBookL2", "symbol=symbol long=id symbol=side long=size float=price timestamp=timestamp"
)
SETTLEMENT = _schema(
    "Settlement",
    "timestamp=timestamp symbol=symbol,settlementType float=settledPrice,optionStrikePrice,"
    "optionUnderlyingPrice long=bankrupt,taxBase float=taxRate",
)
LIQUIDATION = _schema("Liquidation", "guid=orderID symbol=symbol,side float=price long=leavesQty")
INSURANCE = _schema("Insurance", "symbol=currency timestamp=timestamp long=walletBalance")
TRADE_BIN = _schema(
    "TradeBin",
    "timestamp=timestamp symbol=symbol float=open,high,low,close long=trades,volume float=vwap "
    "long=lastSize,turnover float=homeNotional,foreignNotional",
)
INDEX_COMPOSITE = _schema(
    "IndexComposite",
    "timestamp=timestamp symbol=symbol,indexSymbol float=indexMultiplier symbol=reference "
    "float=lastPrice,sourcePrice symbol=conversionIndex float=conversionIndexPrice,weight timestamp=logged",
)
STATS = _schema("Stats", "symbol=rootSymbol,currency long=volume24h,turnover24h,openInterest,openValue")
STATS_HISTORY = _schema("StatsHistory", "timestamp=date symbol=rootSymbol,currency long=volume,turnover")
STATS_USD = _schema(
    "StatsUSD", "symbol=rootSymbol,currency long=turnover24h,turnover30d,turnover365d,turnover"
)
QUOTE_VALUE_RATIO = _schema(
    "QuoteValueRatio", "timestamp=timestamp float=account symbol=symbol float=quoteCount,volumeXBT,QVR,id"
)
WALLET_SUMMARY = _schema(
    "WalletSummaryRecord",
    "float=account symbol=currency,transactType,symbol float=amount,pendingDebit,realisedPnl,walletBalance,"
    "unrealisedPnl,marginBalance",
)
QUOTE_FILL_RATIO = _schema(
    "QuoteFillRatio",
    "timestamp=date float=account,quoteCount,dealtCount,quotesMavg7,dealtMavg7,quoteFillRatioMavg7",
)
TRADING_VOLUME = _schema("TradingVolume", "float=advUsd,advUsdSpot,advUsdContract")
ANNOUNCEMENT = _schema("Announcement", "long=id string=link,title,content timestamp=date")
NETWORKS_CONFIG = _schema(
    "NetworksConfig",
    "string=network,name,currency,networkSymbol,transactionExplorer,tokenExplorer long=depositConfirmations "
    "boolean=enabled",
)
ASSETS_CONFIG = _schema(
    "AssetsConfig",
    "string=asset,currency,majorCurrency,name,currencyType float=scale boolean=enabled,isMarginCurrency,"
    "memoRequired list=networks",
)
API_KEY = _schema(
    "APIKey",
    "string=id,secret,name long=nonce string=cidr list=cidrs long=targetAccountId list=permissions "
    "boolean=enabled long=userId timestamp=created",
)
USER = _schema(
    "User",
    "long=id string=firstname,lastname,username,accountName boolean=isUser string=email timestamp=dateOfBirth "
    "string=phone timestamp=created,lastUpdated object=preferences string=TFAEnabled,affiliateID,country,"
    "geoipCountry,geoipRegion timestamp=firstTradeTimestamp,firstDepositTimestamp string=typ",
)
