"""The journal as a beancount file that proves itself: ``bean-check`` adds it up and asserts every balance.

The ledger's account ``assets:bitmex:XBTUSD`` is ``Assets:Bitmex:XBTUSD`` there; signs are the same. Every amount
has eight decimals and every assertion a tolerance of nothing, so a satoshi is an error.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import TextIO

from bot.ledger.entries import Entry
from bot.ledger.export.extract import Accounts, Extract
from bot.model.describe import describe
from risk.money import Currency, from_units

_ROOTS = {name.lower(): name for name in ("Assets", "Liabilities", "Equity", "Income", "Expenses")}
_EARLIER = "equity:earlier-results"
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9-]+")
_COMMODITIES = {Currency.XBT: "Bitcoin", Currency.USD: "US dollar"}


def write_beancount(made: Extract, title: str, out: TextIO) -> None:
    """Write an extract as a beancount file."""
    for line in _lines(made, title):
        out.write(line + "\n")


def _lines(made: Extract, title: str) -> Iterator[str]:
    names = _Names()
    opening, closing = _carried(made.opening), _asserted(made)
    days = [_day(entry) for entry in made.entries]
    start = min(chain(days, [made.period.first] if made.period.first else []), default=date(1970, 1, 1))
    yield f"; {made.events} events of the ledger were read; the hash at the head of their chain is"
    yield f"; {made.head}"
    yield f"; Entries are dated when they were recorded (UTC). Period: {_period(made)}."
    yield f"option {_quoted('title')} {_quoted(title)}"
    for currency in Currency:
        yield f"option {_quoted('operating_currency')} {_quoted(currency.value)}"
    yield ""
    for currency, name in _COMMODITIES.items():
        yield f"{start} commodity {currency}"
        yield f"  name: {_quoted(name)}"
    yield ""
    for account in sorted({account for account, _ in chain(opening, closing)}):
        yield f"{start} open {names.of(account)}"
        yield f"  ledger-account: {_quoted(account)}"
    if opening:
        yield ""
        yield f'{start} * "Balances brought forward"'
        for (account, currency), units in sorted(opening.items()):
            yield _posting(names.of(account), units, currency)
    for entry in made.entries:
        yield ""
        yield from _transaction(entry, names)
    yield ""
    yield "; What the ledger says is there."
    end = max(chain(days, (day for day in (made.period.first, made.period.last) if day)), default=start)
    for (account, currency), units in sorted(closing.items()):
        amount = f"{from_units(units):.8f}"
        yield f"{end + timedelta(days=1)} balance {names.of(account)}  {amount} ~ 0 {currency}"


def _transaction(entry: Entry, names: "_Names") -> Iterator[str]:
    about, recorded = entry.references, entry.recorded
    link = "" if about.plan_id is None else f" ^plan-{about.plan_id}"
    narration = _quoted(describe(recorded.event))
    yield f"{_day(entry)} * {_quoted(about.venue or 'ledger')} {narration}{link}"
    yield f"  seq: {recorded.seq}"
    told = {
        "kind": type(recorded.event).__name__,
        "recorded": _iso(recorded.at),
        "happened": None if about.at is None else _iso(about.at),
        "contract": about.instrument,
        "plan": about.plan_id,
        "leg": about.leg,
        "order": about.client_order_id,
        "venue-order": about.venue_order_id or None,
        "execution": about.execution_id,
        "flow": about.flow_id,
    }
    for key, value in told.items():
        if value is not None:
            yield f"  {key}: {_quoted(str(value))}"
    for posting in entry.postings:
        yield _posting(names.of(posting.account), posting.units, posting.currency)


def _posting(account: str, units: int, currency: Currency) -> str:
    return f"  {account:<40}  {from_units(units):>20.8f} {currency}"


class _Names:
    """From the ledger's account names to beancount's: no two become one."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._taken: set[str] = set()

    def of(self, account: str) -> str:
        if account not in self._known:
            name = wanted = _named(account)
            number = 2
            while name in self._taken:
                name = f"{wanted}-{number}"
                number += 1
            self._known[account] = name
            self._taken.add(name)
        return self._known[account]


def _named(account: str) -> str:
    root, _, rest = account.partition(":")
    parts = [_NOT_IN_A_NAME.sub("-", part).strip("-") or "X" for part in rest.split(":")]
    if root not in _ROOTS:
        parts.insert(0, root)
    return ":".join([_ROOTS.get(root, "Equity"), *(part[0].upper() + part[1:] for part in parts)])


def _carried(opening: Accounts) -> dict[tuple[str, Currency], int]:
    """Return what is brought forward: income and expenses of earlier periods are in equity by then."""
    carried: dict[tuple[str, Currency], int] = {}
    for (account, currency), units in opening.items():
        key = (_EARLIER if _is_result(account) else account), currency
        carried[key] = carried.get(key, 0) + units
    return {key: units for key, units in carried.items() if units}


def _asserted(made: Extract) -> dict[tuple[str, Currency], int]:
    """Return each account's balance at the period's end; of income and expenses, what the period brought."""
    balances = {
        (account, currency): units - (made.opening.get((account, currency), 0) if _is_result(account) else 0)
        for (account, currency), units in made.closing.items()
    }
    earlier = {key: units for key, units in _carried(made.opening).items() if key[0] == _EARLIER}
    return balances | earlier


def _is_result(account: str) -> bool:
    return account.startswith(("income:", "expenses:"))


def _day(entry: Entry) -> date:
    return entry.recorded.at.astimezone(UTC).date()


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _period(made: Extract) -> str:
    first, last = made.period.first, made.period.last
    return f"{first or 'the beginning'} to {last or 'the end'}"


def _quoted(text: str) -> str:
    clean = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + " ".join(clean.split()) + '"'
