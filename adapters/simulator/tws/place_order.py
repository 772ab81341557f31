"""The placeOrder message: well over a hundred fields, of which a dozen matter here.

What the simulator does not serve (algos, conditions, brackets, icebergs …) is refused, never ignored: an
order must not trade otherwise than its sender asked.
"""

from dataclasses import dataclass
from decimal import Decimal

from adapters.simulator.tws.contracts import ContractQuery
from adapters.simulator.tws.requests import read_contract
from adapters.simulator.tws.versions import Gate
from adapters.simulator.tws.wire import Malformed, Reader


@dataclass(frozen=True, slots=True)
class OrderTicket:
    """An order as its sender wrote it. ``aux``: a stop's price. ``unserved``: attributes set that are not served."""

    order_id: int
    contract: ContractQuery
    action: str
    quantity: Decimal
    order_type: str
    limit: Decimal | None
    aux: Decimal | None
    tif: str
    account: str
    order_ref: str
    outside_rth: bool
    good_till: str
    what_if: bool
    unserved: tuple[str, ...] = ()


def read_order(reader: Reader, version: int) -> OrderTicket:
    """Read placeOrder behind its message id. Raises Malformed."""
    unserved: list[str] = []

    def must_be(name: str, *neutral: str) -> None:
        if reader.text(name) not in neutral:
            unserved.append(name)

    order_id = reader.integer("orderId")
    contract = read_contract(reader)
    if contract.sec_type == "BAG":
        raise Malformed("combinations are not served")
    reader.skip("secIdType", "secId")
    action = reader.text("action")
    quantity = reader.decimal("totalQuantity") or Decimal(0)
    order_type = reader.text("orderType")
    limit, aux = reader.decimal("lmtPrice"), reader.decimal("auxPrice")
    tif = reader.text("tif")
    must_be("ocaGroup", "")
    account = reader.text("account")
    reader.skip("openClose", "origin")
    order_ref = reader.text("orderRef")
    must_be("transmit", "1")
    must_be("parentId", "", "0")
    must_be("blockOrder", "", "0")
    must_be("sweepToFill", "", "0")
    must_be("displaySize", "", "0", "2147483647")
    must_be("triggerMethod", "", "0", "2")
    outside_rth = reader.flag("outsideRth")
    must_be("hidden", "", "0")
    reader.skip("sharesAllocation")
    must_be("discretionaryAmt", "", "0", "0.0")
    must_be("goodAfterTime", "")
    good_till = reader.text("goodTillDate")
    reader.skip("faGroup", "faMethod", "faPercentage")
    if version < Gate.NO_FA_PROFILE:
        reader.skip("faProfile")
    reader.skip("modelCode", "shortSaleSlot", "designatedLocation", "exemptCode", "ocaType", "rule80A")
    reader.skip("settlingFirm")
    must_be("allOrNone", "", "0")
    must_be("minQty", "", "0", "2147483647")
    reader.skip("percentOffset", "eTradeOnly", "firmQuoteOnly", "nbboPriceCap", "auctionStrategy")
    reader.skip("startingPrice", "stockRefPrice", "delta", "stockRangeLower", "stockRangeUpper")
    reader.skip("overridePercentageConstraints", "volatility", "volatilityType")
    if reader.text("deltaNeutralOrderType"):
        unserved.append("deltaNeutralOrderType")
        reader.skip("auxPrice", "conId", "settlingFirm", "clearingAccount", "clearingIntent", "openClose")
        reader.skip("shortSale", "shortSaleSlot", "designatedLocation")
    else:
        reader.skip("deltaNeutralAuxPrice")
    reader.skip("continuousUpdate", "referencePriceType", "trailStopPrice", "trailingPercent")
    reader.skip("scaleInitLevelSize", "scaleSubsLevelSize")
    if (reader.decimal("scalePriceIncrement") or 0) > 0:
        unserved.append("scalePriceIncrement")
        reader.skip("adjustValue", "adjustInterval", "profitOffset", "autoReset", "initPosition")
        reader.skip("initFillQty", "randomPercent")
    reader.skip("scaleTable", "activeStartTime", "activeStopTime")
    if reader.text("hedgeType"):
        unserved.append("hedgeType")
        reader.skip("hedgeParam")
    reader.skip("optOutSmartRouting", "clearingAccount", "clearingIntent", "notHeld")
    if reader.flag("deltaNeutralContract"):
        unserved.append("deltaNeutralContract")
        reader.skip("conId", "delta", "price")
    if reader.text("algoStrategy"):
        unserved.append("algoStrategy")
        for _ in range(reader.integer("algoParamsCount", 0)):
            reader.skip("tag", "value")
    reader.skip("algoId")
    what_if = reader.flag("whatIf")
    reader.skip("orderMiscOptions", "solicited", "randomizeSize", "randomizePrice")
    if order_type in ("PEG BENCH", "PEGBENCH"):
        reader.skip("referenceContractId", "decrease", "amount", "referenceChange", "referenceExchange")
    if reader.integer("conditionsCount", 0):
        unserved.append("conditions")
    else:
        _read_tail(reader, version)
    return OrderTicket(
        order_id=order_id,
        contract=contract,
        action=action,
        quantity=quantity,
        order_type=order_type,
        limit=limit,
        aux=aux,
        tif=tif,
        account=account,
        order_ref=order_ref,
        outside_rth=outside_rth,
        good_till=good_till,
        what_if=what_if,
        unserved=tuple(unserved),
    )


def _read_tail(reader: Reader, version: int) -> None:
    """Hold the message against what this version says it must still carry."""
    reader.skip("adjustedOrderType", "triggerPrice", "lmtPriceOffset", "adjustedStopPrice")
    reader.skip("adjustedStopLimitPrice", "adjustedTrailingAmount", "adjustableTrailingUnit", "extOperator")
    reader.skip("softDollarTierName", "softDollarTierValue", "cashQty")
    reader.skip("decisionMaker", "decisionAlgo", "executionTrader", "executionAlgo")
    reader.skip("dontUseAutoPriceForHedge", "isOmsContainer", "discretionaryUpToLimitPrice")
    reader.skip("usePriceMgmtAlgo")
    gated = {
        Gate.DURATION: "duration",
        Gate.POST_TO_ATS: "postToAts",
        Gate.AUTO_CANCEL_PARENT: "autoCancelParent",
        Gate.ADVANCED_REJECT: "advancedErrorOverride",
        Gate.MANUAL_ORDER_TIME: "manualOrderTime",
    }
    for gate, name in gated.items():
        if version >= gate:
            reader.skip(name)
