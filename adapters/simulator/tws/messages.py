"""Outgoing messages, orders apart: values to fields, in the order each version wants them."""

from decimal import Decimal
from enum import IntEnum

from adapters.simulator.tws.api_errors import ApiError
from adapters.simulator.tws.contracts import CURRENCY, EXCHANGE, SEC_TYPE, IbContract
from adapters.simulator.tws.hours import CHICAGO, CHICAGO_NAME
from adapters.simulator.tws.versions import Gate
from adapters.simulator.tws.wire import UNSET_INTEGER, Value

Fields = list[Value]

MARKET_RULE = 239
LAST_TIMESTAMP = 45
ORDER_TYPES = (
    "ACTIVETIM,AD,ADJUST,ALERT,AVGCOST,BASKET,DAY,FOK,GTC,GTD,IOC,LMT,MKT,OPENCLOSE,OUTRTH,STP,STPLMT,WHATIF"
)


class Tick(IntEnum):
    BID_SIZE = 0
    BID = 1
    ASK = 2
    ASK_SIZE = 3
    LAST = 4
    LAST_SIZE = 5


def error(version: int, about: int, message: ApiError) -> Fields:
    """``about``: the request or order it is about, -1 for none."""
    fields: Fields = [4, 2, about, message.code, message.text]
    return [*fields, ""] if version >= Gate.ADVANCED_REJECT else fields


def next_valid_id(order_id: int) -> Fields:
    return [9, 1, order_id]


def managed_accounts(accounts: str) -> Fields:
    return [15, 1, accounts]


def current_time(epoch: int) -> Fields:
    return [49, 1, epoch]


def contract_details(version: int, req_id: int, contract: IbContract, hours: str) -> Fields:
    old = version < Gate.SIZE_RULES
    expiry = contract.expiry.astimezone(CHICAGO)
    zone = f" {CHICAGO_NAME}" if version >= Gate.INSTRUMENT_TIMEZONE else ""
    fields: Fields = [10]
    if old:
        fields.append(8)
    fields += [
        req_id,
        contract.symbol,
        SEC_TYPE,
        f"{expiry:%Y%m%d %H:%M:%S}{zone}",
        0,
        "",
        EXCHANGE,
        CURRENCY,
    ]
    fields += [contract.local_symbol, contract.trading_class, contract.trading_class, contract.con_id]
    fields.append(contract.tick)
    if old:
        fields.append(1)
    fields += [contract.multiplier, ORDER_TYPES, EXCHANGE, 1, contract.con_id - 1, contract.long_name, ""]
    fields += [contract.month, "", "", "", CHICAGO_NAME, hours, hours, "", "", 0]
    fields += [UNSET_INTEGER, contract.symbol, "IND", MARKET_RULE, contract.last_trade_date, ""]
    if version == Gate.SIZE_MIN_TICK:
        fields.append(1)
    if version >= Gate.SIZE_RULES:
        fields += [1, 1, 1]
    return fields


def index_details(
    version: int, req_id: int, con_id: int, symbol: str, long_name: str, tick: Decimal
) -> Fields:
    """contractData of an index: no expiry, multiplier, month or order types."""
    old = version < Gate.SIZE_RULES
    fields: Fields = [10]
    if old:
        fields.append(8)
    fields += [req_id, symbol, "IND", "", 0, "", EXCHANGE, CURRENCY, symbol, "", symbol, con_id, tick]
    if old:
        fields.append(1)
    fields += ["", "", EXCHANGE, 1, 0, long_name, "", "", "", "", "", CHICAGO_NAME, "", "", "", "", 0]
    fields += [UNSET_INTEGER, "", "", MARKET_RULE, "", ""]
    if version == Gate.SIZE_MIN_TICK:
        fields.append(1)
    if version >= Gate.SIZE_RULES:
        fields += [1, 1, 1]
    return fields


def contract_details_end(req_id: int) -> Fields:
    return [52, 1, req_id]


def market_rule(rule: int, tick: Decimal) -> Fields:
    return [93, rule, 1, 0, tick]


def tick_request(req_id: int, contract: IbContract) -> Fields:
    """tickReqParams: minimum tick, exchange map, snapshot permissions."""
    return [81, req_id, contract.tick, "9c0001", 3]


def index_tick_request(req_id: int, tick: Decimal) -> Fields:
    return [81, req_id, tick, "", 3]


def tick_string(req_id: int, kind: int, text: str) -> Fields:
    return [46, 6, req_id, kind, text]


def market_data_type(req_id: int, kind: int) -> Fields:
    return [58, 1, req_id, kind]


def tick_price(req_id: int, tick: Tick, price: Decimal, size: int) -> Fields:
    return [1, 6, req_id, tick, price, size, 0]


def tick_size(req_id: int, tick: Tick, size: int) -> Fields:
    return [2, 6, req_id, tick, size]


def tick_snapshot_end(req_id: int) -> Fields:
    return [57, 1, req_id]


def depth(req_id: int, row: int, operation: int, side: int, price: Decimal, size: int) -> Fields:
    """``operation``: 0 insert, 1 update, 2 delete; ``side``: 0 ask, 1 bid."""
    return [12, 1, req_id, row, operation, side, price, size]


def _contract(contract: IbContract, *exchange: str) -> Fields:
    head: Fields = [contract.con_id, contract.symbol, SEC_TYPE, contract.last_trade_date, 0, ""]
    return [*head, contract.multiplier, *exchange, CURRENCY, contract.local_symbol, contract.trading_class]


def position(account: str, contract: IbContract, contracts: int, average_cost: Decimal) -> Fields:
    return [61, 3, account, *_contract(contract, ""), contracts, average_cost]


def position_end() -> Fields:
    return [62, 1]


def account_value(account: str, tag: str, value: str, currency: str) -> Fields:
    return [6, 2, tag, value, currency, account]


def portfolio_value(
    account: str,
    contract: IbContract,
    contracts: int,
    price: Decimal,
    value: Decimal,
    average_cost: Decimal,
    unrealised: Decimal,
    realised: Decimal,
) -> Fields:
    head: Fields = [7, 8, *_contract(contract, EXCHANGE)]
    return [*head, contracts, price, value, average_cost, unrealised, realised, account]


def account_time(clock: str) -> Fields:
    return [8, 1, clock]


def account_download_end(account: str) -> Fields:
    return [54, 1, account]


def account_summary(req_id: int, account: str, tag: str, value: str, currency: str) -> Fields:
    return [63, 1, req_id, account, tag, value, currency]


def account_summary_end(req_id: int) -> Fields:
    return [64, 1, req_id]


def account_update_multi(req_id: int, account: str, tag: str, value: str, currency: str) -> Fields:
    return [73, 1, req_id, account, "", tag, value, currency]


def account_update_multi_end(req_id: int) -> Fields:
    return [74, 1, req_id]


def order_bound(perm_id: int, client_id: int, order_id: int) -> Fields:
    return [100, perm_id, client_id, order_id]


def open_order_end() -> Fields:
    return [53, 1]


def completed_orders_end() -> Fields:
    return [102]


def executions_end(req_id: int) -> Fields:
    return [55, 1, req_id]
