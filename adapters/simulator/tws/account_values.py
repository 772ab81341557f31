"""What the account window shows, at one moment."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.views import AccountView, PositionView
from adapters.simulator.tws.blotter import Blotter
from adapters.simulator.tws.contracts import CURRENCY, Catalogue, IbContract
from adapters.simulator.tws.money import dollars, price, to_cents

BASE = "BASE"
LEDGER = "$LEDGER"
_NO_CURRENCY = ""


@dataclass(frozen=True, slots=True)
class AccountValue:
    tag: str
    value: str
    currency: str


@dataclass(frozen=True, slots=True)
class Holding:
    """One line of the portfolio, USD. ``average_cost``: per contract, opening commissions included."""

    contract: IbContract
    contracts: int
    mark: Decimal
    value: Decimal
    average_cost: Decimal
    unrealised: Decimal
    realised: Decimal


@dataclass(frozen=True, slots=True)
class Snapshot:
    at: datetime
    totals: tuple[AccountValue, ...]
    ledger: tuple[AccountValue, ...]
    holdings: tuple[Holding, ...]

    @property
    def values(self) -> tuple[AccountValue, ...]:
        return self.totals + self.ledger

    def select(self, tags: Iterable[str]) -> list[AccountValue]:
        """Return what an account summary asks for: totals by tag, the whole ledger by ``$LEDGER…``."""
        wanted = set(tags)
        chosen = [value for value in self.totals if value.tag in wanted]
        if any(tag.startswith(LEDGER) for tag in wanted):
            chosen += self.ledger
        return chosen


def take_snapshot(exchange: Exchange, account: str, catalogue: Catalogue, blotter: Blotter) -> Snapshot:
    """Value the account now, in whole cents."""
    view = exchange.account(account)
    positions = exchange.positions(account)
    return Snapshot(
        at=view.at,
        totals=tuple(_totals(view, account)),
        ledger=tuple(_ledger(view, positions, blotter)),
        holdings=tuple(holding(p, catalogue.of_spec(p.symbol), blotter) for p in positions),
    )


def holding(position: PositionView, contract: IbContract, blotter: Blotter) -> Holding:
    """Return the portfolio's line of a position."""
    fees = blotter.open_fees(position.symbol)
    contracts = position.contracts
    per_contract = Decimal(0)
    if contracts:
        per_contract = round(dollars(position.cost + fees) / contracts, 8)
    return Holding(
        contract=contract,
        contracts=contracts,
        mark=Decimal(0) if position.mark is None else price(position.mark),
        value=dollars(position.value),
        average_cost=per_contract,
        unrealised=dollars(position.unrealised - fees) if contracts else Decimal(0),
        realised=dollars(blotter.realised_by(position.symbol)),
    )


def _totals(view: AccountView, account: str) -> list[AccountValue]:
    excess = view.balance - view.maintenance
    cushion = Decimal(max(excess, 0)) / view.balance if view.balance > 0 else Decimal(0)
    figures = {
        "NetLiquidation": view.balance,
        "EquityWithLoanValue": view.balance,
        "TotalCashValue": view.balance,
        "SettledCash": view.balance,
        "BuyingPower": view.available,
        "GrossPositionValue": 0,
        "InitMarginReq": view.initial,
        "MaintMarginReq": view.maintenance,
        "AvailableFunds": view.available,
        "ExcessLiquidity": excess,
        "FullInitMarginReq": view.initial,
        "FullMaintMarginReq": view.maintenance,
        "FullAvailableFunds": view.available,
        "FullExcessLiquidity": excess,
        "LookAheadInitMarginReq": view.initial,
        "LookAheadMaintMarginReq": view.maintenance,
        "LookAheadAvailableFunds": view.available,
        "LookAheadExcessLiquidity": excess,
    }
    return [
        AccountValue("AccountCode", account, _NO_CURRENCY),
        AccountValue("AccountReady", "true", _NO_CURRENCY),
        AccountValue("AccountType", "INDIVIDUAL", _NO_CURRENCY),
        AccountValue("Cushion", f"{cushion:.6f}", _NO_CURRENCY),
        AccountValue("LookAheadNextChange", "0", _NO_CURRENCY),
        *(AccountValue(tag, to_cents(units), CURRENCY) for tag, units in figures.items()),
    ]


def _ledger(view: AccountView, positions: list[PositionView], blotter: Blotter) -> list[AccountValue]:
    """Cash as the broker counts it: futures' open results are in it, day by day, and apart as FuturesPNL."""
    open_fees = sum(blotter.open_fees(position.symbol) for position in positions)
    figures = {
        "CashBalance": view.balance,
        "TotalCashBalance": view.balance,
        "NetLiquidationByCurrency": view.balance,
        "FuturesPNL": view.unrealised,
        "UnrealizedPnL": view.unrealised - open_fees,
        "RealizedPnL": blotter.realised,
        "AccruedCash": 0,
    }
    rows = []
    for currency in (BASE, CURRENCY):
        rows += [AccountValue(tag, to_cents(units), currency) for tag, units in figures.items()]
        rows.append(AccountValue("Currency", currency, currency))
        rows.append(AccountValue("RealCurrency", currency, currency))
        rows.append(AccountValue("ExchangeRate", "1.00", currency))
    return rows
