"""One contract's part of the journal: its trades and settlements, and what they come to at average cost.

What a reduction realises depends on all that came before it, so a trade that is corrected later changes the results
of those after it too. Therefore the latest steps are kept: a correction replays them with the right trade in its
place, and what the accounts hold then differs from what they hold now by exactly the entry to post. A trade older
than that is turned round as if it were traded back now: cash and cost together come to the same, their split does not.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from bot.ledger.accounts import ADJUSTMENTS, EXCHANGE, cash_account, position_account, settlement_account
from risk.instruments import InstrumentId
from risk.money import Currency, Money

KEPT_STEPS = 256

Move = tuple[Money, str, str]
"""An amount, from one account, to another."""


class StepKind(StrEnum):
    TRADE = "trade"
    SETTLEMENT = "settlement"
    TAKEOVER = "takeover"


@dataclass(frozen=True, slots=True)
class Step:
    """What happened to a position, in the currency it is settled in and in the other one.

    A trade: ``key`` is its execution, ``contracts`` signed. A daily settlement: ``settled`` is the cash received. A
    takeover: what a person's adoption of the venue's word changes; ``left``, what it then stood at.
    """

    kind: StepKind
    settled: Money
    other: Money
    contracts: int = 0
    key: str = ""
    left: int = 0

    @property
    def turned_round(self) -> "Step":
        return replace(
            self, settled=-self.settled, other=-self.other, contracts=-self.contracts, key=f"-{self.key}"
        )


@dataclass(slots=True)
class OpenPosition:
    """What the position account holds. ``contracts`` signed, ``settled`` in the currency P&L is settled in
    (the open cost: XBT of an inverse, −USD of a linear contract), ``other`` in the other one."""

    contracts: int = 0
    settled: int = 0
    other: int = 0


@dataclass(slots=True)
class Holding:
    """Takes steps, and says what each moves between accounts. ``steps``: the latest, from ``start`` on."""

    instrument: InstrumentId
    position: OpenPosition = field(default_factory=OpenPosition)
    start: OpenPosition = field(default_factory=OpenPosition)
    steps: list[Step] = field(default_factory=list)

    def take(self, step: Step) -> list[Move]:
        """Book the next thing that happened."""
        moves = list(_moves(self.instrument, self.position, step))
        self.steps.append(step)
        if len(self.steps) > KEPT_STEPS:
            list(_moves(self.instrument, self.start, self.steps.pop(0)))
        return moves

    def correct(self, wrong: Step, right: Step | None) -> list[Move]:
        """Put ``right`` in the place of the trade ``wrong`` (None: it never was).

        First the old exchange turned round, then the new one; then what results, settlements and positions change.
        """
        place = next((number for number, step in enumerate(self.steps) if step.key == wrong.key), None)
        if place is None:
            late = [wrong.turned_round] if right is None else [wrong.turned_round, right]
            return [move for step in late for move in self.take(step)]
        before, _ = self._replayed(self.steps)
        steps = [*self.steps[:place], *([] if right is None else [right]), *self.steps[place + 1 :]]
        after, position = self._replayed(steps)
        account = position_account(self.instrument)
        moves: list[Move] = [(-wrong.settled, EXCHANGE, account), (-wrong.other, EXCHANGE, account)]
        if right is not None:
            moves += [(right.settled, EXCHANGE, account), (right.other, EXCHANGE, account)]
        after.subtract(before)
        after.subtract(_sums(moves))
        moves += [
            (Money(currency, units), account, name)
            for (name, currency), units in sorted(after.items())
            if name != account and units
        ]
        self.position, self.steps = position, steps
        return moves

    def _replayed(self, steps: Iterable[Step]) -> tuple[Counter[tuple[str, Currency]], OpenPosition]:
        position = replace(self.start)
        sums: Counter[tuple[str, Currency]] = Counter()
        for step in steps:
            sums.update(_sums(_moves(self.instrument, position, step)))
        return sums, position


def _sums(moves: Iterable[Move]) -> Counter[tuple[str, Currency]]:
    sums: Counter[tuple[str, Currency]] = Counter()
    for money, source, target in moves:
        sums[target, money.currency] += money.units
        sums[source, money.currency] -= money.units
    return sums


def _moves(instrument: InstrumentId, position: OpenPosition, step: Step) -> Iterator[Move]:
    """Change ``position`` by one step; give what it moves."""
    account, cash = position_account(instrument), cash_account(instrument.venue)
    match step.kind:
        case StepKind.TRADE:
            yield step.settled, EXCHANGE, account
            yield step.other, EXCHANGE, account
            realised = _realised(position, step)
            yield Money(step.settled.currency, realised), account, cash
            position.contracts += step.contracts
            position.settled += step.settled.units - realised
            position.other += step.other.units
        case StepKind.SETTLEMENT if position.contracts == 0:
            yield step.settled, settlement_account(instrument.venue), cash
        case StepKind.SETTLEMENT:
            # Part of a position's result turns into cash.
            yield step.settled, account, cash
            position.settled -= step.settled.units
        case StepKind.TAKEOVER:
            yield step.settled, ADJUSTMENTS, account
            yield step.other, ADJUSTMENTS, account
            position.contracts += step.contracts
            position.settled += step.settled.units
            position.other += step.other.units
            if position.contracts == 0:
                # Flat: what an earlier correction left over on it is a result.
                yield Money(step.settled.currency, position.settled - step.left), account, cash
                position.settled = step.left


def _realised(position: OpenPosition, trade: Step) -> int:
    """Return what a trade turns into cash, at average cost."""
    if position.contracts * trade.contracts >= 0:
        return 0
    closing = min(abs(position.contracts), abs(trade.contracts))
    released = share(position.settled, closing, abs(position.contracts))
    return released + share(trade.settled.units, closing, abs(trade.contracts))


def share(amount: int, part: int, whole: int) -> int:
    """Return ``amount`` × part / whole, towards zero as the value of a part lot is; all of it for the whole."""
    sign = -1 if amount < 0 else 1
    return sign * (abs(amount) * part // whole)


def other(currency: Currency) -> Currency:
    return Currency.USD if currency is Currency.XBT else Currency.XBT
