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

_TAGS = {
    "equity": "NetLiquidation",
    "available": "AvailableFunds",
    "initial_margin": "FullInitMarginReq",
    "maintenance_margin": "FullMaintMarginReq",
}
# Cash as the broker counts it, with the futures' change of value since their last settlement in it ...
_CASH = "TotalCashValue"
# ... which its ledger states apart, so that it can be taken out again.
_OPEN_RESULT = "FuturesPNL"
# What the margin becomes when the next session's rates begin; not every account is told.
_ANNOUNCED = "LookAheadMaintMarginReq"
TAGS = ",".join((*_TAGS.values(), _CASH, _ANNOUNCED, "$LEDGER"))


def account_of(settings: IbkrSettings, values: Iterable[AccountValue], at: datetime) -> Account:
    """Compose the account; the wallet is cash less the futures' result not settled yet.

    Raises Unreachable if a value is missing, Misconfigured if it is not in USD.
    """
    told = [value for value in values if value.account == settings.account and _plain(value)]
    # Of a tag told in several currencies the one in USD counts: euros beside the dollars are no margin at CME.
    mine = {value.tag: value for value in sorted(told, key=lambda value: value.currency == Currency.USD)}
    cash, open_result = (_amount(settings, mine, tag) for tag in (_CASH, _OPEN_RESULT))
    named = {name: Money.of(Currency.USD, _amount(settings, mine, tag)) for name, tag in _TAGS.items()}
    wallet = Money.of(Currency.USD, cash - open_result)
    return Account(venue=settings.name, wallet=wallet, at=at, announced_margin=_announced(mine), **named)


def _plain(value: AccountValue) -> bool:
    # The ledger states everything twice: in its own currencies and, as BASE, summed up.
    return value.currency != "BASE"


def _announced(values: dict[str, AccountValue]) -> Money | None:
    value = values.get(_ANNOUNCED)
    amount = None if value is None or value.currency != Currency.USD else amount_of(value.value)
    return None if amount is None or amount < 0 else Money.of(Currency.USD, amount)


def _amount(settings: IbkrSettings, values: dict[str, AccountValue], tag: str) -> Decimal:
    value = values.get(tag)
    amount = amount_of(value.value) if value is not None else None
    if value is None or amount is None:
        said = repr(value.value) if value is not None else "nothing"
        raise Unreachable(settings.name, "ask for the account", f"{tag} was answered by {said}")
    if value.currency != Currency.USD:
        detail = f"account {settings.account} is kept in {value.currency}, not USD"
        raise Misconfigured(settings.name, "ask for the account", detail)
    return amount


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
