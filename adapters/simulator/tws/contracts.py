"""The broker's contracts: what the exchange lists, under the broker's names and ids."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.tws.api_errors import AMBIGUOUS, NO_CONTRACT, Refuse, invalid
from adapters.simulator.tws.hours import CHICAGO

EXCHANGE = "CME"
CURRENCY = "USD"
SEC_TYPE = "FUT"
MONTH_CODES = "FGHJKMNQUVXZ"

_SYMBOLS = {"BTC": "BRR"}  # the broker files CME's large contract under its reference rate
_LONG_NAMES = {"BTC": "CME Bitcoin Futures", "MBT": "Micro Bitcoin"}
_SATOSHI = 100_000_000


@dataclass(frozen=True, slots=True)
class IbContract:
    """One listed future. ``multiplier``: XBT a contract; ``tick``: USD per XBT; ``expiry``: aware."""

    con_id: int
    symbol: str
    local_symbol: str
    trading_class: str
    multiplier: Decimal
    tick: Decimal
    expiry: datetime
    spec: ContractSpec

    @property
    def last_trade_date(self) -> str:
        return f"{self.expiry.astimezone(CHICAGO):%Y%m%d}"

    @property
    def month(self) -> str:
        return f"{self.expiry.astimezone(CHICAGO):%Y%m}"

    @property
    def long_name(self) -> str:
        return _LONG_NAMES.get(self.trading_class, self.trading_class)


@dataclass(frozen=True, slots=True)
class ContractQuery:
    """What a client says of a contract; empty fields match everything."""

    con_id: int = 0
    symbol: str = ""
    sec_type: str = ""
    expiry: str = ""
    multiplier: str = ""
    exchange: str = ""
    currency: str = ""
    local_symbol: str = ""
    trading_class: str = ""
    include_expired: bool = False


def describe(spec: ContractSpec) -> IbContract:
    """Return the broker's description of a linear, dated contract. Raises ValueError for any other."""
    if spec.is_inverse or spec.expiry is None:
        raise ValueError(f"{spec.symbol}: the broker offers linear contracts with an expiry only")
    month = spec.expiry.astimezone(CHICAGO)
    local_symbol = f"{spec.root}{MONTH_CODES[month.month - 1]}{month.year % 10}"
    return IbContract(
        con_id=500_000_000 + zlib.crc32(f"{spec.root} {month:%Y%m%d}".encode()) % 300_000_000,
        symbol=_SYMBOLS.get(spec.root, spec.root),
        local_symbol=local_symbol,
        trading_class=spec.root,
        multiplier=Decimal(spec.multiplier) / _SATOSHI,
        tick=Decimal(spec.tick) / 100,
        expiry=spec.expiry,
        spec=spec,
    )


class Catalogue:
    """Every contract of the exchange, found as the broker finds them."""

    def __init__(self, specs: Iterable[ContractSpec]) -> None:
        self._contracts = sorted(map(describe, specs), key=lambda c: (c.expiry, c.local_symbol))
        self._by_id = {contract.con_id: contract for contract in self._contracts}
        self._by_spec = {contract.spec.symbol: contract for contract in self._contracts}
        if len(self._by_id) != len(self._contracts):
            raise ValueError("two contracts share a root and an expiry")

    def of_spec(self, symbol: str) -> IbContract:
        """Return the contract the exchange lists as ``symbol``."""
        return self._by_spec[symbol]

    def find(self, query: ContractQuery, now: datetime) -> list[IbContract]:
        """Return all that match, nearest expiry first. Raises Refuse (321) without a security type or conId."""
        if not query.con_id and not query.sec_type:
            raise Refuse(invalid("Please enter a valid security type"))
        live = (c for c in self._contracts if query.include_expired or query.con_id or c.expiry > now)
        return [contract for contract in live if _matches(contract, query)]

    def one(self, query: ContractQuery, now: datetime) -> IbContract:
        """Return the only match. Raises Refuse (200) for none or several."""
        found = self.find(query, now)
        if not found:
            raise Refuse(NO_CONTRACT)
        if len(found) > 1:
            raise Refuse(AMBIGUOUS)
        return found[0]


def _matches(contract: IbContract, query: ContractQuery) -> bool:
    if query.exchange not in ("", EXCHANGE):
        return False
    if query.con_id:
        return contract.con_id == query.con_id
    return (
        query.sec_type == SEC_TYPE
        and (query.symbol or query.local_symbol or query.trading_class) != ""
        and query.symbol in ("", contract.symbol)
        and query.currency in ("", CURRENCY)
        and query.local_symbol in ("", contract.local_symbol)
        and query.trading_class in ("", contract.trading_class)
        and contract.last_trade_date.startswith(query.expiry)
        and query.multiplier in ("", f"{contract.multiplier.normalize():f}")
    )
