"""The wallet as the venue books it: cash at once, realised P&L once a day at 12:00 UTC, a row per contract.

Until then it stands in the margin row's ``realisedPnl``, and as a Pending row at the head of the history.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from adapters.simulator.bitmex.order_rows import NO_ID, guid
from adapters.simulator.bitmex.schema import TRANSACTION, WALLET
from adapters.simulator.bitmex.wire import Row
from adapters.simulator.exchange.orders import Execution
from adapters.simulator.exchange.views import CashEntry, CashKind, PositionView

_KINDS = {
    CashKind.DEPOSIT: "Deposit",
    CashKind.WITHDRAWAL: "Withdrawal",
    CashKind.FUNDING: "Funding",
}
_SETTLED_AT = time(12)


@dataclass(frozen=True, slots=True)
class WalletEntry:
    """``amount``: satoshi, received > 0. ``symbol``: the contract, empty for deposits and withdrawals."""

    entry_id: str
    kind: str
    amount: int
    at: datetime
    symbol: str
    completed: bool = True


@dataclass(frozen=True, slots=True)
class Wallet:
    """Entries oldest first; ``amount`` is the sum of those completed, ``pending`` of the others, in satoshi."""

    entries: tuple[WalletEntry, ...]
    at: datetime

    @property
    def amount(self) -> int:
        return sum(entry.amount for entry in self.entries if entry.completed)

    @property
    def pending(self) -> int:
        return sum(entry.amount for entry in self.entries if not entry.completed)

    def total(self, kind: str) -> int:
        return sum(entry.amount for entry in self.entries if entry.kind == kind and entry.completed)

    def settled(self, symbol: str) -> int:
        """Return what a contract has paid into the wallet so far: realised P&L and funding."""
        return sum(entry.amount for entry in self.entries if entry.symbol == symbol and entry.completed)

    def last_realised(self) -> int:
        """Return the realised P&L of the last daily settlement."""
        settled = [entry for entry in self.entries if entry.kind == "RealisedPNL" and entry.completed]
        return sum(entry.amount for entry in settled if entry.at == settled[-1].at)


def settlement_of(at: datetime) -> datetime:
    """Return the daily settlement a trade at ``at`` falls into (one at 12:00 sharp into that one)."""
    noon = datetime.combine(at.date(), _SETTLED_AT, at.tzinfo)
    return noon if at <= noon else noon + timedelta(days=1)


class Bookings:
    """Sums up executions: what each daily settlement will pay, and what each contract has cost in fees."""

    def __init__(self) -> None:
        self._realised: dict[tuple[datetime, str], int] = {}
        self._commission: dict[str, int] = {}

    def note(self, execution: Execution) -> None:
        symbol = execution.symbol
        self._commission[symbol] = self.commission(symbol) + execution.fee_change
        if execution.kind.moves_position:
            key = (settlement_of(execution.at), symbol)
            self._realised[key] = self._realised.get(key, 0) + execution.realised - execution.fee_change

    def commission(self, symbol: str) -> int:
        """Return the fees and funding a contract has cost so far, satoshi, paid > 0."""
        return self._commission.get(symbol, 0)

    def wallet(self, cash: Iterable[CashEntry], now: datetime) -> Wallet:
        entries = [
            WalletEntry(entry.entry_id, _KINDS[entry.kind], entry.amount, entry.at, entry.symbol or "")
            for entry in cash
        ]
        entries += [
            WalletEntry(
                guid("realised", symbol, at.isoformat()), "RealisedPNL", amount, at, symbol, at <= now
            )
            for (at, symbol), amount in self._realised.items()
        ]
        return Wallet(tuple(sorted(entries, key=lambda entry: entry.at)), now)


def wallet_row(wallet: Wallet, number: int) -> Row:
    return WALLET.row(
        account=number,
        currency="XBt",
        deposited=wallet.total("Deposit"),
        withdrawn=-wallet.total("Withdrawal"),
        transferIn=0,
        transferOut=0,
        amount=wallet.amount,
        pendingCredit=0,
        pendingDebit=0,
        confirmedDebit=0,
        timestamp=wallet.at,
    )


def transaction_rows(wallet: Wallet, positions: Iterable[PositionView], number: int) -> list[Row]:
    """Return the history oldest first: what is completed, then what is pending (unrealised P&L last)."""
    rows: list[Row] = []
    balance = 0
    for entry in wallet.entries:
        if entry.completed:
            balance += entry.amount
        rows.append(
            TRANSACTION.row(
                transactID=entry.entry_id,
                account=number,
                currency="XBt",
                transactType=entry.kind,
                amount=entry.amount,
                fee=0,
                transactStatus="Completed" if entry.completed else "Pending",
                address=entry.symbol,
                transactTime=entry.at,
                timestamp=entry.at if entry.completed else wallet.at,
                walletBalance=balance,
            )
        )
    rows += [
        TRANSACTION.row(
            transactID=NO_ID,
            account=number,
            currency="XBt",
            transactType="UnrealisedPNL",
            amount=position.unrealised,
            fee=0,
            transactStatus="Pending",
            address=position.symbol,
            timestamp=wallet.at,
            walletBalance=balance,
        )
        for position in positions
        if position.contracts
    ]
    return rows
