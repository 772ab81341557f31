"""The contracts we trade, as the broker states them, and the way back from a broker's contract to ours."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from ib_async.contract import Contract, ContractDetails

from adapters.errors import Misconfigured, Unreachable
from adapters.ibkr import codes
from adapters.ibkr.hours import trading_hours
from adapters.ibkr.settings import FRONT, ContractSettings, IbkrSettings
from adapters.ibkr.translate import amount_of, decimal_of, is_future
from adapters.ibkr.wire import Wire
from risk.instruments import Instrument, InstrumentId
from risk.sessions import TradingHours
from risk.terms import Kind, Terms


@dataclass(frozen=True, slots=True)
class Listed:
    """One resolved contract: ours, the one that goes over the wire, and when it trades."""

    instrument: Instrument
    contract: Contract
    hours: TradingHours


class Contracts:
    def __init__(self, settings: IbkrSettings) -> None:
        self._settings = settings
        self._by_symbol: dict[str, Listed] = {}
        self._by_con_id: dict[int, InstrumentId] = {}

    def check_known(self, symbols: Iterable[str]) -> None:
        """Raise Misconfigured for a symbol the settings do not describe."""
        for symbol in symbols:
            if symbol not in self._settings.contracts:
                known = ", ".join(sorted(self._settings.contracts)) or "none"
                raise Misconfigured(self._settings.name, f"load {symbol}", f"not configured; known: {known}")

    async def load(self, wire: Wire, symbol: str) -> None:
        """Resolve a symbol. Raises Misconfigured (none, several, or other terms than expected), Unreachable."""
        wanted = self._settings.contracts[symbol]
        attempted = f"load {symbol}"
        try:
            found = await wire.contract_details(_query(wanted))
        except Unreachable as error:
            if error.code == str(codes.NO_SUCH_CONTRACT):
                raise Misconfigured(self._settings.name, attempted, error.detail, code=error.code) from None
            raise
        if wanted.expiry == FRONT:
            found = _nearest(found)
        if len(found) != 1 or found[0].contract is None:
            names = ", ".join(d.contract.localSymbol for d in found if d.contract) or "no contract"
            detail = f"{wanted.ib_symbol} {wanted.trading_class} {wanted.expiry} is {names}, not one contract"
            raise Misconfigured(self._settings.name, attempted, detail)
        listed = self._listed(symbol, wanted, found[0], found[0].contract)
        self._by_symbol[symbol] = listed
        self._by_con_id[listed.contract.conId] = listed.instrument.id

    async def refresh_hours(self, wire: Wire, symbol: str) -> None:
        """Ask when a resolved contract trades now; what it is stays. Raises Unreachable: then the old hours stand."""
        listed = self._by_symbol[symbol]
        for details in await wire.contract_details(listed.contract):
            if details.contract is not None and details.contract.conId == listed.contract.conId:
                hours = trading_hours(details.tradingHours, details.timeZoneId)
                self._by_symbol[symbol] = replace(listed, hours=hours)

    def _listed(
        self, symbol: str, wanted: ContractSettings, details: ContractDetails, contract: Contract
    ) -> Listed:
        self._hold("multiplier", symbol, wanted.multiplier, amount_of(contract.multiplier))
        self._hold("minimum tick", symbol, wanted.min_tick, decimal_of(details.minTick))
        terms = Terms(
            kind=Kind.LINEAR,
            lot=1,
            tick=wanted.min_tick,
            multiplier=wanted.multiplier,
            expiry=self._expiry(symbol, wanted, contract.lastTradeDateOrContractMonth),
        )
        outgoing = Contract(
            secType="FUT",
            conId=contract.conId,
            symbol=contract.symbol,
            lastTradeDateOrContractMonth=contract.lastTradeDateOrContractMonth,
            multiplier=contract.multiplier,
            exchange=wanted.exchange,
            currency=contract.currency,
            localSymbol=contract.localSymbol,
            tradingClass=contract.tradingClass,
        )
        hours = trading_hours(details.tradingHours, details.timeZoneId)
        return Listed(Instrument(InstrumentId(self._settings.name, symbol), terms), outgoing, hours)

    def _hold(self, what: str, symbol: str, expected: Decimal, stated: Decimal | None) -> None:
        if stated != expected:
            detail = f"the {what} is {stated} at the broker, {expected} in the settings"
            raise Misconfigured(self._settings.name, f"load {symbol}", detail)

    def _expiry(self, symbol: str, wanted: ContractSettings, last_day: str) -> datetime:
        try:
            day = date.fromisoformat(last_day)
        except ValueError:
            detail = f"the broker states no last trading day but {last_day!r}"
            raise Misconfigured(self._settings.name, f"load {symbol}", detail) from None
        zone = ZoneInfo(wanted.settlement_zone)
        return datetime(day.year, day.month, day.day, wanted.settles_at, tzinfo=zone).astimezone(UTC)

    def listed(self, symbol: str) -> Listed | None:
        return self._by_symbol.get(symbol)

    def id_of(self, contract: Contract) -> InstrumentId | None:
        """Return which of our instruments a broker's contract is, None for what is no future.

        A future that is not configured goes by the broker's local symbol: nothing an account holds of our
        kind may be invisible.
        """
        known = self._by_con_id.get(contract.conId)
        if known is not None or not is_future(contract):
            return known
        return InstrumentId(self._settings.name, self._configured(contract) or _local_name(contract))

    def _configured(self, contract: Contract) -> str | None:
        """Return our symbol for a contract that has not been resolved (yet)."""
        for symbol, wanted in self._settings.contracts.items():
            if wanted.expiry == FRONT:
                continue  # which month that is only the broker's list can say
            same = (contract.symbol, contract.tradingClass) == (wanted.ib_symbol, wanted.trading_class)
            if same and contract.lastTradeDateOrContractMonth.startswith(wanted.expiry):
                return symbol
        return None


def _local_name(contract: Contract) -> str:
    return contract.localSymbol or f"con{contract.conId}"


def _nearest(found: list[ContractDetails]) -> list[ContractDetails]:
    """Return the contract that expires first, alone."""
    dated = [
        (details.contract.lastTradeDateOrContractMonth, details) for details in found if details.contract
    ]
    return [min(dated, key=lambda pair: pair[0])[1]] if dated else []


def _query(wanted: ContractSettings) -> Contract:
    return Contract(
        secType="FUT",
        symbol=wanted.ib_symbol,
        lastTradeDateOrContractMonth="" if wanted.expiry == FRONT else wanted.expiry,
        exchange=wanted.exchange,
        currency=wanted.currency,
        tradingClass=wanted.trading_class,
    )
