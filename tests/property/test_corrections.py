"""Random fills, later corrected and busted, come to what the right trades from the start come to.

Held against each other: the journal's accounts to the unit, the bot's cash and cost, positions and Δ. And whatever
is replayed, in any order and with duplicates, the same executions stand.
"""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.ledger.balances import Books
from bot.model.events import AccountOpened, CashBooked, Event, InstrumentLoaded, Recorded
from bot.model.inputs import Input
from bot.orders.decide import decide
from bot.orders.fold import apply
from bot.orders.market import Market
from bot.orders.state import BotState
from bot.orders.turn import Turn
from risk.money import Currency, Money
from risk.orders import Bust, CashFlow, CashFlowKind, CommissionReport, Fill, Side
from tests.unit.bot.desk import MBT, POLICY, XBTUSD

OPENED = datetime(2026, 11, 23, 9, tzinfo=UTC)
COIN = 100_000_000


@st.composite
def stories(draw: st.DrawFn) -> list[list[Fill | Bust]]:
    """Each execution's revisions, oldest first: a fill, then restatements; a bust may come at the end."""
    found: list[list[Fill | Bust]] = []
    for number in range(draw(st.integers(1, 8))):
        instrument = draw(st.sampled_from([XBTUSD, MBT]))
        at = OPENED + timedelta(seconds=number)
        with_fee = instrument is XBTUSD
        versions: list[Fill | Bust] = []
        for revision in range(1, draw(st.integers(2, 4))):
            fee = Money(Currency.XBT, draw(st.integers(-500, 900))) if with_fee else None
            versions.append(
                Fill(
                    f"x{number}",
                    instrument.id,
                    None,
                    "v",
                    draw(st.sampled_from(list(Side))),
                    draw(st.integers(1, 30)) * instrument.terms.lot,
                    Decimal(5 * draw(st.integers(2_000, 30_000))),
                    at,
                    fee,
                    revision=revision,
                )
            )
        if draw(st.booleans()):
            versions.append(Bust(f"x{number}", instrument.id, None, len(versions) + 1, at))
        found.append(versions)
    return found


def fee_of(word: Fill | Bust) -> CommissionReport | None:
    """The broker's report of a fill's fee: 2.50 USD a contract and a cent a revision."""
    if isinstance(word, Bust) or word.fee is not None:
        return None
    units = word.quantity * 250_000_000 + word.revision * 1_000_000
    return CommissionReport(
        word.execution_id, word.instrument, Money(Currency.USD, units), word.at, word.revision
    )


class Bot:
    """The decisions and the journal, fed by hand."""

    def __init__(self) -> None:
        self.state, self.market, self.books = BotState(), Market(), Books()
        self.events: list[Event] = []
        for event in (
            InstrumentLoaded(XBTUSD),
            InstrumentLoaded(MBT),
            AccountOpened("bitmex", Money(Currency.XBT, 5 * COIN)),
            AccountOpened("cme", Money(Currency.USD, 10**6 * COIN)),
        ):
            apply(self.state, event, OPENED)
            self._book(event)

    def _book(self, event: Event) -> None:
        self.events.append(event)
        sums: Counter[Currency] = Counter()
        for posting in self.books.see(Recorded(len(self.events), OPENED, event, "")):
            sums[posting.currency] += posting.units
        assert not any(sums.values()), event

    def hear(self, given: Input) -> None:
        turn = Turn(self.state, self.market, POLICY, OPENED + timedelta(hours=1))
        decide(turn, given)
        for event in turn.events:
            self._book(event)

    def restarted(self) -> BotState:
        state = BotState()
        for event in self.events:
            apply(state, event, OPENED)
        return state


def accounts(bot: Bot) -> dict[tuple[str, Currency], int]:
    return {key: units for key, units in bot.books.balances().accounts.items() if units}


def stand(bot: Bot) -> tuple[object, ...]:
    held = bot.books.balances()
    assert held.delta_xbt == bot.state.delta()
    return (
        accounts(bot),
        dict(held.positions),
        {key: count for key, count in bot.state.positions.items() if count},
        bot.state.cash_and_cost,
        bot.state.delta(),
    )


def settlement(number: int, units: int) -> CashFlow:
    return CashFlow(
        f"s{number}",
        "cme",
        CashFlowKind.SETTLEMENT,
        Money(Currency.USD, units),
        OPENED + timedelta(hours=1),
        MBT.id,
    )


@given(stories(), st.lists(st.integers(-COIN, COIN), max_size=2))
@settings(max_examples=150, deadline=None)
def test_a_corrected_history_is_the_right_one(told: list[list[Fill | Bust]], settled: list[int]) -> None:
    right = Bot()
    for versions in told:
        last = versions[-1]
        if isinstance(last, Fill):
            right.hear(last)
            report = fee_of(last)
            if report is not None:
                right.hear(report)
    corrected = Bot()
    for versions in told:
        corrected.hear(versions[0])
        report = fee_of(versions[0])
        if report is not None:
            corrected.hear(report)
    for number, units in enumerate(settled):
        # Paid between the wrong trades and their corrections; the right history has it at the same place.
        # (One of a position that turns out never to have been would be taken back by the venue.)
        if bool(right.state.positions[MBT.id]) is bool(corrected.state.positions[MBT.id]):
            for bot in (right, corrected):
                bot.hear(settlement(number, units))
    for versions in told:
        for word in versions[1:]:
            corrected.hear(word)
            report = fee_of(word)
            if report is not None:
                corrected.hear(report)
    assert stand(corrected) == stand(right)
    restarted = corrected.restarted()
    assert (restarted.positions, restarted.cash_and_cost) == (
        corrected.state.positions,
        corrected.state.cash_and_cost,
    )


@given(stories(), st.data())
@settings(max_examples=150, deadline=None)
def test_exactly_once_in_any_order_and_with_duplicates(
    told: list[list[Fill | Bust]], data: st.DataObject
) -> None:
    words: list[Fill | Bust | CommissionReport] = []
    for versions in told:
        for word in versions:
            words.append(word)
            report = fee_of(word)
            if report is not None:
                words.append(report)
    again = data.draw(st.lists(st.sampled_from(words), max_size=8))
    heard = data.draw(st.permutations([*words, *again]))
    bot = Bot()
    for said in heard:
        bot.hear(said)
    expected: Counter[str] = Counter()
    paid: Counter[str] = Counter()
    for versions in told:
        last = versions[-1]
        if isinstance(last, Fill):
            expected[last.instrument.venue] += last.signed_quantity
            report = fee_of(last)
            charged = last.fee if report is None else report.fee
            paid[last.instrument.venue] += 0 if charged is None else charged.units
    assert {key.venue: count for key, count in bot.state.positions.items() if count} == {
        venue: count for venue, count in expected.items() if count
    }
    held = bot.books.balances()
    assert {key.venue: count for key, count in held.positions.items()} == {
        venue: count for venue, count in expected.items() if count
    }
    for venue, currency in (("bitmex", Currency.XBT), ("cme", Currency.USD)):
        assert held.accounts.get((f"expenses:fees:{venue}", currency), 0) == paid[venue]
    assert held.delta_xbt == bot.state.delta()
    before = stand(bot)
    for said in words:
        bot.hear(said)
    assert stand(bot) == before


def test_funding_and_deposits_do_not_disturb_a_correction() -> None:
    bot = Bot()
    fill = Fill(
        "a", XBTUSD.id, None, "v", Side.BUY, 500, Decimal(50_000), OPENED, Money(Currency.XBT, 7), revision=1
    )
    bot.hear(fill)
    flow = CashFlow("f", "bitmex", CashFlowKind.FUNDING, Money(Currency.XBT, -11), OPENED, XBTUSD.id)
    bot.hear(flow)
    bot.hear(replace(fill, quantity=100, fee=Money(Currency.XBT, 2), revision=2))
    # 100 contracts at 50,000 are 200,000 satoshi.
    assert bot.state.cash_and_cost["bitmex"].units == 5 * COIN + 200_000 - 2 - 11
    assert any(isinstance(event, CashBooked) for event in bot.events)
