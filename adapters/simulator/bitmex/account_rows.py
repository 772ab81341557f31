"""Position and margin rows. All money in satoshi, taken from the exchange core as it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from adapters.simulator.bitmex.order_rows import ppm, usd, xbt
from adapters.simulator.bitmex.schema import MARGIN, POSITION
from adapters.simulator.bitmex.wallet import Wallet
from adapters.simulator.bitmex.wire import Row
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.margin import inverse_order_margin
from adapters.simulator.exchange.orders import Side, SimOrder
from adapters.simulator.exchange.value import PPM, value
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
        live = [order for order in self.orders if order.side is side and not order.is_waiting]
        worth = sum(abs(value(self.spec, order.leaves, order.price)) for order in live)
        return sum(order.leaves for order in live), worth


def position_row(holding: Holding, wallet: Wallet, number: int) -> Row:
    """Return a position's row: cross, or isolated at its own leverage."""
    view, spec = holding.view, holding.spec
    buy_qty, buy_cost = holding.open_orders(Side.BUY)
    sell_qty, sell_cost = holding.open_orders(Side.SELL)
    cost, worth = abs(view.cost), abs(view.value)
    realised = view.realised - holding.commission
    entry = None if view.entry is None else view.entry.quantize(Decimal("0.0001"), ROUND_HALF_EVEN)
    liquidation = None if view.liquidation is None else usd(view.liquidation)
    share = Decimal(view.unrealised) / cost if cost else Decimal(0)
    initial = view.initial_rate
    return POSITION.row(
        account=number,
        symbol=view.symbol,
        currency="XBt",
        underlying="XBT",
        quoteCurrency="USD",
        commission=ppm(max(spec.maker_fee, spec.taker_fee)),
        initMarginReq=ppm(initial),
        maintMarginReq=ppm(view.maintenance_rate),
        riskLimit=view.risk_limit,
        leverage=_round(Decimal(PPM) / initial) if view.is_cross else Decimal(view.leverage) / 100,
        crossMargin=view.is_cross,
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
        posComm=view.pos_comm,
        posLoss=0,
        posMargin=view.pos_margin,
        posMaint=view.pos_maint,
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
        bankruptPrice=None if view.bankruptcy is None else usd(view.bankruptcy),
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
        withdrawableMargin=account.withdrawable,
        makerFeeDiscount=Decimal(0),
        takerFeeDiscount=Decimal(0),
        timestamp=account.at,
    )


def _round(ratio: Decimal) -> Decimal:
    return ratio.quantize(Decimal("0.0001"), ROUND_HALF_EVEN)
