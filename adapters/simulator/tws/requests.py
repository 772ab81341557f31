"""What incoming messages ask for, the order apart: fields to values."""

from dataclasses import dataclass

from adapters.simulator.tws.contracts import ContractQuery
from adapters.simulator.tws.versions import Gate
from adapters.simulator.tws.wire import Reader


def read_contract(reader: Reader) -> ContractQuery:
    """Read the twelve fields of a contract."""
    con_id = reader.integer("conId", 0)
    symbol, sec_type, expiry = (reader.text(name) for name in ("symbol", "secType", "expiry"))
    reader.skip("strike", "right")
    multiplier, exchange = reader.text("multiplier"), reader.text("exchange")
    reader.skip("primaryExchange")
    currency, local_symbol, trading_class = (
        reader.text(name) for name in ("currency", "localSymbol", "tradingClass")
    )
    return ContractQuery(
        con_id=con_id,
        symbol=symbol,
        sec_type=sec_type,
        expiry=expiry,
        multiplier=multiplier,
        exchange=exchange,
        currency=currency,
        local_symbol=local_symbol,
        trading_class=trading_class,
    )


@dataclass(frozen=True, slots=True)
class DetailsRequest:
    req_id: int
    contract: ContractQuery


def read_details(reader: Reader, version: int) -> DetailsRequest:
    """Read reqContractDetails behind its message id."""
    reader.skip("version")
    req_id = reader.integer("reqId")
    query = read_contract(reader)
    include_expired = reader.flag("includeExpired")
    reader.skip("secIdType", "secId")
    if version >= Gate.ISSUER_ID:
        reader.skip("issuerId")
    fields = {name: getattr(query, name) for name in query.__slots__}
    return DetailsRequest(req_id, ContractQuery(**{**fields, "include_expired": include_expired}))


@dataclass(frozen=True, slots=True)
class MarketDataRequest:
    req_id: int
    contract: ContractQuery
    snapshot: bool


def read_market_data(reader: Reader) -> MarketDataRequest:
    """Read reqMktData behind its message id."""
    reader.skip("version")
    req_id = reader.integer("reqId")
    contract = read_contract(reader)
    if contract.sec_type == "BAG":
        return MarketDataRequest(req_id, contract, snapshot=False)
    if reader.flag("deltaNeutral"):
        reader.skip("conId", "delta", "price")
    reader.skip("genericTickList")
    return MarketDataRequest(req_id, contract, reader.flag("snapshot"))


@dataclass(frozen=True, slots=True)
class DepthRequest:
    req_id: int
    contract: ContractQuery
    rows: int


def read_depth(reader: Reader) -> DepthRequest:
    """Read reqMktDepth behind its message id."""
    reader.skip("version")
    req_id = reader.integer("reqId")
    contract = read_contract(reader)
    return DepthRequest(req_id, contract, reader.integer("numRows", 5))


@dataclass(frozen=True, slots=True)
class ExecutionFilter:
    """Which executions a client asks for; empty or zero matches all. ``since`` as the client wrote it."""

    req_id: int
    client_id: int
    account: str
    since: str
    symbol: str
    sec_type: str
    exchange: str
    side: str


def read_execution_filter(reader: Reader) -> ExecutionFilter:
    """Read reqExecutions behind its message id."""
    reader.skip("version")
    req_id, client_id = reader.integer("reqId"), reader.integer("clientId", 0)
    names = ("acctCode", "time", "symbol", "secType", "exchange", "side")
    account, since, symbol, sec_type, exchange, side = (reader.text(name) for name in names)
    return ExecutionFilter(req_id, client_id, account, since, symbol, sec_type, exchange, side)
