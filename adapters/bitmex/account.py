"""The account: margin, positions, wallet, and what the API key may do."""

from collections.abc import Sequence
from datetime import datetime

from adapters.bitmex import wire
from adapters.bitmex.executions import SATOSHI
from adapters.bitmex.wire import Malformed, Row
from risk.instruments import InstrumentId
from risk.money import Currency, Money
from risk.orders import CashFlow, CashFlowKind
from risk.portfolio import Account, Position

# Wallet rows that repeat what executions tell (or what is not booked yet): P&L, funding, the open P&L.
_TOLD_ELSEWHERE = frozenset({"RealisedPNL", "UnrealisedPNL", "Funding", "Settlement"})


def account(venue: str, row: Row, at: datetime) -> Account:
    """Read GET /user/margin. ``wallet`` is walletBalance, ``equity`` marginBalance. Raises Malformed."""
    if wire.text(row, "currency") != SATOSHI:
        raise Malformed(f"margin in {row.get('currency')!r} instead of {SATOSHI}")
    return Account(
        venue=venue,
        wallet=_money(row, "walletBalance"),
        equity=_money(row, "marginBalance"),
        available=_money(row, "availableMargin"),
        initial_margin=_money(row, "initMargin"),
        maintenance_margin=_money(row, "maintMargin"),
        at=at,
    )


def position(venue: str, row: Row, at: datetime) -> Position | None:
    """Read a row of GET /position, None if it is flat. Raises Malformed.

    ``cost_units``, in satoshi, has the sign of the position (long > 0). BitMEX writes the posCost of an inverse
    contract with the opposite one: there a long is a debt of XBT.
    """
    contracts = wire.whole_or_none(row, "currentQty") or 0
    if contracts == 0:
        return None
    cost = wire.whole_or_none(row, "posCost") if row.get("currency") == SATOSHI else None
    return Position(
        instrument=InstrumentId(venue, wire.text(row, "symbol")),
        contracts=contracts,
        at=at,
        entry=wire.price_or_none(row, "avgEntryPrice"),
        cost_units=None if cost is None else (abs(cost) if contracts > 0 else -abs(cost)),
    )


def isolated(rows: Sequence[Row], symbols: Sequence[str]) -> str | None:
    """Return the first of ``symbols`` whose position, even a flat one, has margin of its own; None if none has."""
    return next(
        (
            wire.text(row, "symbol")
            for row in rows
            if row.get("symbol") in symbols and row.get("crossMargin") is False
        ),
        None,
    )


def wallet_flow(venue: str, row: Row) -> CashFlow | None:
    """Read a wallet row; None if it is not (yet) cash that moved, or if executions tell it. Raises Malformed.

    A withdrawal's ``amount`` is negative and includes its fee.
    """
    kind = wire.text(row, "transactType")
    if kind in _TOLD_ELSEWHERE or wire.text(row, "transactStatus") != "Completed":
        return None
    if wire.text(row, "currency") != SATOSHI:
        return None
    amount = wire.whole(row, "amount")
    return CashFlow(
        flow_id=wire.text(row, "transactID"),
        venue=venue,
        kind=_flow_kind(kind, amount),
        amount=Money(Currency.XBT, amount),
        at=wallet_time(row),
    )


def wallet_time(row: Row) -> datetime:
    """Return when a wallet row took effect: a withdrawal is asked for at transactTime, done at timestamp."""
    times = [wire.moment_or_none(row, name) for name in ("transactTime", "timestamp")]
    known = [at for at in times if at is not None]
    if not known:
        raise Malformed("a wallet row without a time")
    return max(known)


def key_fault(rows: Sequence[Row], api_key: str, *, cancels_only: bool = False) -> str | None:
    """Return what is wrong with our key's rights, in words for a person; None if it can serve. Raises Malformed.

    ``cancels_only``: the right to cancel is enough.
    """
    for row in rows:
        if row.get("id") != api_key:
            continue
        rights = row.get("permissions")
        if not isinstance(rights, list):
            raise Malformed(f"permissions should be a list, not {rights!r}")
        if row.get("enabled") is False:
            return "the API key is disabled"
        if "withdraw" in rights:
            return "the API key may withdraw: make one that may not"
        if "order" not in rights and not (cancels_only and "orderCancel" in rights):
            return "the API key may not cancel" if cancels_only else "the API key may not order"
        return None
    return "the venue does not list our API key, so its rights cannot be checked"


def may_order(rows: Sequence[Row], api_key: str) -> bool:
    """Say whether our key, which ``key_fault`` found nothing wrong with, may do more than cancel."""
    rights = next((row.get("permissions") for row in rows if row.get("id") == api_key), None)
    return isinstance(rights, list) and "order" in rights


def _money(row: Row, name: str) -> Money:
    return Money(Currency.XBT, wire.whole(row, name))


def _flow_kind(word: str, amount: int) -> CashFlowKind:
    if word in ("Deposit", "Withdrawal", "Transfer"):
        return CashFlowKind.DEPOSIT if amount > 0 else CashFlowKind.WITHDRAWAL
    return CashFlowKind.ADJUSTMENT
