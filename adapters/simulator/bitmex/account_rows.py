"""Position and margin rows. All money in satoshi, taken from the exchange core as it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from adapters.simulator.bitmex.market_rows import MAX_PRICE, SATOSHI, risk_limit
from adapters.simulator.bitmex.order_rows import ppm, usd, xbt
from adapters.simulator.bitmex.schema import MARGIN, POSITION
from adapters.simulator.bitmex.wallet import Wallet
from adapters.simulator.bitmex.wire import Row
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.margin import inverse_order_margin
from adapters.simulator.exchange.orders import Side, SimOrder
from adapters.simulator.exchange.value import PPM, ceil_div, value
from adapters.simulator.exchange.views import AccountView, PositionView

_ACCOUNT_RISK_LIMIT = 1_000_000_000_000


@dataclass(frozen=True, slots=True)
class Holding:
    """One position with what belongs to it: its contract, live orders, fees and funding paid since ever."""

    view: PositionView
    spec: ContractSpec
    orders: Sequence[SimOrder]
    commission: int

    def open_orders(self, side: Side) -> tuple[int, int]:
        """Return the contracts of the live orders of one side, and their value at their limits (satoshi)."""
        live = [order for order in self.orders if order.side is side]
        worth = sum(abs(value(self.spec, order.leaves, order.price)) for order in live)
        return sum(order.leaves for order in live), worth


def position_row(holding: Holding, account: AccountView, wallet: Wallet, number: int) -> Row:
    """Return a position's row. Margin is cross: the whole balance carries every position."""
    view, spec = holding.view, holding.spec
    buy_qty, buy_cost = holding.open_orders(Side.BUY)
    sell_qty, sell_cost = holding.open_orders(Side.SELL)
    long = view.contracts >= 0
    initial = spec.initial_margin_long if long else spec.initial_margin_short
    maintenance = spec.maintenance_margin_long if long else spec.maintenance_margin_short
    cost, worth = abs(view.cost), abs(view.value)
    realised = view.realised - holding.commission
    taker = ceil_div(cost * spec.taker_fee * (PPM + initial), PPM * PPM)
    entry = None if view.entry is None else view.entry.quantize(Decimal("0.0001"), ROUND_HALF_EVEN)
    liquidation, bankrupt = cross_prices(view, spec, maintenance, account)
    share = Decimal(view.unrealised) / cost if cost else Decimal(0)
    return POSITION.row(
        account=number,
        symbol=view.symbol,
        currency="XBt",
        underlying="XBT",
        quoteCurrency="USD",
        commission=ppm(max(spec.maker_fee, spec.taker_fee)),
        initMarginReq=ppm(initial),
        maintMarginReq=ppm(maintenance),
        riskLimit=risk_limit(spec)[0],
        leverage=_round(Decimal(PPM) / initial),
        crossMargin=True,
        deleveragePercentile=Decimal(1) if view.contracts else None,
        rebalancedPnl=-wallet.settled(view.symbol),
        prevRealisedPnl=0,
        prevUnrealisedPnl=0,
        openingQty=0,
        openOrderBuyQty=buy_qty,
        openOrderBuyCost=-buy_cost,
        openOrderBuyPremium=0,
        openOrderSellQty=sell_qty,
        openOrderSellCost=-sell_cost,
        openOrderSellPremium=0,
        currentQty=view.contracts,
        currentCost=-view.cost - view.realised,
        currentComm=holding.commission,
        realisedCost=-view.realised,
        unrealisedCost=-view.cost,
        grossOpenPremium=0,
        isOpen=view.contracts != 0,
        markPrice=None if view.mark is None else usd(view.mark),
        markValue=-view.value,
        riskValue=worth + buy_cost + sell_cost,
        homeNotional=xbt(view.value),
        foreignNotional=Decimal(-view.contracts * spec.multiplier),
        posCost=-view.cost,
        posCross=0,
        posComm=taker,
        posLoss=0,
        posMargin=ceil_div(cost * initial, PPM) + taker,
        posMaint=view.maintenance,
        initMargin=inverse_order_margin(spec, view.contracts, holding.orders),
        maintMargin=view.maintenance,
        realisedPnl=realised,
        unrealisedPnl=view.unrealised,
        unrealisedPnlPcnt=_round(share),
        unrealisedRoePcnt=_round(share * PPM / initial),
        avgCostPrice=entry,
        avgEntryPrice=entry,
        marginCallPrice=liquidation,
        liquidationPrice=liquidation,
        bankruptPrice=bankrupt,
        timestamp=view.at,
        strategy="OneWay",
    )


def margin_row(account: AccountView, holdings: Sequence[Holding], wallet: Wallet, number: int) -> Row:
    """Return the margin row; walletBalance = amount + realisedPnl, to the satoshi."""
    marks = sum(abs(holding.view.value) for holding in holdings)
    orders = sum(holding.open_orders(side)[1] for holding in holdings for side in Side)
    used = account.initial + account.maintenance
    balance = account.balance
    return MARGIN.row(
        account=number,
        currency="XBt",
        riskLimit=_ACCOUNT_RISK_LIMIT,
        amount=wallet.amount,
        prevRealisedPnl=wallet.last_realised(),
        grossComm=sum(holding.commission for holding in holdings),
        grossOpenCost=orders,
        grossOpenPremium=0,
        grossExecCost=0,
        grossMarkValue=marks,
        riskValue=marks + orders,
        initMargin=account.initial,
        maintMargin=account.maintenance,
        targetExcessMargin=0,
        realisedPnl=account.wallet - wallet.amount,
        unrealisedPnl=account.unrealised,
        walletBalance=account.wallet,
        marginBalance=balance,
        marginLeverage=_round(Decimal(marks + orders) / balance) if balance > 0 else Decimal(0),
        marginUsedPcnt=_round(Decimal(used) / balance) if balance > 0 else Decimal(1 if used else 0),
        excessMargin=account.available,
        availableMargin=account.available,
        withdrawableMargin=max(0, account.available - max(0, account.unrealised)),
        makerFeeDiscount=Decimal(0),
        takerFeeDiscount=Decimal(0),
        timestamp=account.at,
    )


def cross_prices(
    view: PositionView, spec: ContractSpec, maintenance: int, account: AccountView
) -> tuple[Decimal | None, Decimal | None]:
    """Return the liquidation and the bankruptcy price, on tick; None when flat.

    Long ``N / (W + (1 − MM) × N/E)``, short ``N / ((1 + MM) × N/E − W)``; MM = 0 gives bankruptcy. W is the
    balance without this position's own P&L and the others' maintenance. A short that cannot be liquidated
    shows the largest price there is.
    """
    if view.contracts == 0:
        return None, None
    free = account.balance - view.unrealised - (account.maintenance - view.maintenance)
    return _ruin(view, spec, maintenance, free), _ruin(view, spec, 0, free)


def _ruin(view: PositionView, spec: ContractSpec, maintenance: int, free: int) -> Decimal:
    dollars = Decimal(abs(view.contracts) * spec.multiplier * SATOSHI)
    cost = Decimal(abs(view.cost))
    long = view.contracts > 0
    coins = free + (1 - ppm(maintenance)) * cost if long else (1 + ppm(maintenance)) * cost - free
    if coins <= 0 or dollars / coins > MAX_PRICE:
        return Decimal(MAX_PRICE)
    tick = usd(spec.tick)
    rounding = ROUND_CEILING if long else ROUND_FLOOR
    return (dollars / coins / tick).to_integral_value(rounding) * tick


def _round(ratio: Decimal) -> Decimal:
    return ratio.quantize(Decimal("0.0001"), ROUND_HALF_EVEN)
