"""The broker's account values and positions, as ours."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from ib_async.objects import AccountValue
from ib_async.objects import Position as IbPosition

from adapters.errors import Misconfigured, Unreachable
from adapters.ibkr.contracts import Contracts
from adapters.ibkr.settings import IbkrSettings
from adapters.ibkr.translate import amount_of, contracts_of, decimal_of
from risk.money import Currency, Money
from risk.portfolio import Account, Position

# TotalCashValue holds cash at the time of trade plus futures P&L; margins are those outside day hours.
_TAGS = {
    "wallet": "TotalCashValue",
    "equity": "NetLiquidation",
    "available": "AvailableFunds",
    "initial_margin": "FullInitMarginReq",
    "maintenance_margin": "FullMaintMarginReq",
}
TAGS = ",".join(_TAGS.values())


def account_of(settings: IbkrSettings, values: Iterable[AccountValue], at: datetime) -> Account:
    """Compose the account. Raises Unreachable if a value is missing, Misconfigured if it is not in USD."""
    mine = {value.tag: value for value in values if value.account == settings.account}
    return Account(
        venue=settings.name,
        at=at,
        wallet=_money(settings, mine, _TAGS["wallet"]),
        equity=_money(settings, mine, _TAGS["equity"]),
        available=_money(settings, mine, _TAGS["available"]),
        initial_margin=_money(settings, mine, _TAGS["initial_margin"]),
        maintenance_margin=_money(settings, mine, _TAGS["maintenance_margin"]),
    )


def _money(settings: IbkrSettings, values: dict[str, AccountValue], tag: str) -> Money:
    value = values.get(tag)
    amount = amount_of(value.value) if value is not None else None
    if value is None or amount is None:
        said = repr(value.value) if value is not None else "nothing"
        raise Unreachable(settings.name, "ask for the account", f"{tag} was answered by {said}")
    if value.currency != Currency.USD:
        detail = f"account {settings.account} is kept in {value.currency}, not USD"
        raise Misconfigured(settings.name, "ask for the account", detail)
    return Money.of(Currency.USD, amount)


def positions_of(
    settings: IbkrSettings, contracts: Contracts, rows: Iterable[IbPosition], at: datetime
) -> list[Position]:
    """Translate the account's futures. The broker's average cost is price × multiplier, fees included."""
    latest = {row.contract.conId: row for row in rows if row.account == settings.account}
    found = []
    for row in latest.values():
        instrument = contracts.id_of(row.contract)
        size = contracts_of(row.position) if instrument is not None else 0
        if instrument is None or size == 0:
            continue
        found.append(Position(instrument, size, at, entry=_entry(row)))
    return found


def _entry(row: IbPosition) -> Decimal | None:
    cost, multiplier = decimal_of(row.avgCost), amount_of(row.contract.multiplier)
    if cost is None or cost <= 0 or multiplier is None or multiplier <= 0:
        return None
    return cost / multiplier
