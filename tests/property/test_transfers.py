"""Whatever people record, in whatever order the venues tell it, nothing is lost, made or counted twice.

Held against a model that knows where every satoshi really is: sums of zero, Δ, and the places themselves.
"""

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bot.ledger.balances import Books
from bot.ledger.proof import Proof
from bot.model.codec import GENESIS, record
from bot.model.events import CashBooked
from bot.model.inputs import CancelTransfer, Done, FinishTransfer, Input, RecordConversion, RecordTransfer
from bot.model.transfers import (
    TransferCancelled,
    TransferDone,
    TransferMatched,
    TransferRecorded,
    TransferStatus,
)
from bot.orders.fold import apply
from bot.orders.state import BotState
from risk.money import Currency, Money, from_units
from risk.orders import CashFlow, CashFlowKind
from tests.unit.bot.desk import Desk

XBT, USD = Currency.XBT, Currency.USD
SILENT = ("cme",)
COIN = 100_000_000
# Few sizes, so that flows and transfers meet often: alike, a fee apart, and quite different.
SIZES = st.sampled_from([10_000_000, 10_000_000, 9_990_000, 10_040_000, 5_000_000, 30_000_000])
PLACES = {XBT: ("outside", "spot", "bitmex"), USD: ("outside", "spot", "cme")}


class Transfers(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk.ready()
        self.books, self.proof, self.again = Books(), Proof(), BotState()
        self.seen, self.hash, self.number = 0, GENESIS, 0
        self.cash = Counter({("bitmex", XBT): COIN, ("cme", USD): 2_000_000 * COIN})
        self.told: list[CashFlow] = []

        self._follow()

    def give(self, given: Input) -> bool:
        answer = self.desk.give(given)
        self._follow()
        return isinstance(answer, Done)

    def _follow(self) -> None:
        """Take every new event into the books, the proof and a second state."""
        for event, at in self.desk.events[self.seen :]:
            self.seen += 1
            one, _ = record(self.hash, self.seen, at, event)
            self.hash = one.hash
            entry: Counter[Currency] = Counter()
            for posting in self.books.see(one):
                entry[posting.currency] += posting.units
            assert not any(entry.values()), event
            assert self.proof.see(one) == []
            apply(self.again, one.event, one.at)

    def name(self) -> str:
        self.number += 1
        return f"n{self.number}"

    def pick(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from([*self.desk.state.moves.transfers, "nobody"]))

    @rule(
        data=st.data(),
        currency=st.sampled_from([XBT, XBT, USD]),
        units=SIZES,
        another=st.booleans(),
        late=st.booleans(),
    )
    def record(self, data: st.DataObject, currency: Currency, units: int, another: bool, late: bool) -> None:
        source, target = (data.draw(st.sampled_from(PLACES[currency])) for _ in range(2))
        loose = [flow_id for _, flow_id in self.desk.state.moves.loose]
        flow = data.draw(st.sampled_from(loose)) if late and loose else None
        held = self.desk.state.moves.spot[currency]
        taken = self.give(
            RecordTransfer(
                self.name(),
                Money(currency, units),
                source,
                target,
                "anna",
                "why",
                SILENT,
                flow,
                another,
            )
        )
        if taken and source == "cme":
            self.cash["cme", USD] -= units
        assert not (taken and source == "spot" and held < units)

    @rule(units=SIZES, leaves=st.booleans())
    def flow(self, units: int, leaves: bool) -> None:
        """The inverse venue tells a deposit or a withdrawal."""
        kind = CashFlowKind.WITHDRAWAL if leaves else CashFlowKind.DEPOSIT
        amount = Money(XBT, -units if leaves else units)
        told = CashFlow(self.name(), "bitmex", kind, amount, self.desk.now)
        self.told.append(told)
        self.cash["bitmex", XBT] += amount.units
        self.give(told)

    @rule(data=st.data())
    def told_again(self, data: st.DataObject) -> None:
        if self.told:
            self.give(data.draw(st.sampled_from(self.told)))

    @rule(data=st.data(), final=st.booleans(), share=st.sampled_from([None, None, 1, 2, 1000]))
    def done(self, data: st.DataObject, final: bool, share: int | None) -> None:
        name = self.pick(data)
        loose = [flow_id for _, flow_id in self.desk.state.moves.loose]
        flow = data.draw(st.sampled_from([None, *loose]))
        transfer = self.desk.state.moves.transfers.get(name)
        at_hand = 0 if transfer is None else transfer.in_transit
        arrived = None if share is None else from_units(at_hand - at_hand // share if share > 1 else at_hand)
        was_open = transfer is not None and transfer.status is TransferStatus.OPEN
        taken = self.give(FinishTransfer(name, "anna", "there", SILENT, arrived, flow, final))
        if taken and transfer is not None and transfer.recorded.target == "cme":
            assert was_open
            self.cash["cme", USD] += at_hand if arrived is None else int(arrived * COIN)

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        name = self.pick(data)
        transfer = self.desk.state.moves.transfers.get(name)
        back = 0 if transfer is None else transfer.in_transit
        taken = self.give(CancelTransfer(name, "anna", "no", SILENT))
        if taken and transfer is not None and transfer.recorded.source == "cme":
            self.cash["cme", USD] += back

    @rule(sells=st.booleans(), units=SIZES, fee=st.sampled_from([0, 5_000]))
    def convert(self, sells: bool, units: int, fee: int) -> None:
        xbt, usd = Money(XBT, units), Money(USD, units * 80_000)
        sold, bought = (xbt, usd) if sells else (usd, xbt)
        self.give(RecordConversion(self.name(), sold, bought, Money(USD, fee), "anna", "why"))

    @invariant()
    def everything_is_somewhere(self) -> None:
        state, held = self.desk.state, self.books.balances()
        assert all(held.total("", currency) == 0 for currency in Currency)
        assert held.delta_xbt == state.delta() == self.again.delta()
        assert self.again.moves == state.moves
        for venue, currency in self.cash:
            assert held.accounts[f"assets:{venue}:cash", currency] == self.cash[venue, currency]
            assert state.cash_and_cost[venue].units == self.cash[venue, currency]
        for currency in Currency:
            on_the_way = sum(
                one.in_transit for one in state.moves.transfers.values() if one.currency is currency
            )
            assert held.accounts.get(("assets:transit", currency), 0) == on_the_way
            assert held.accounts.get(("assets:spot", currency), 0) == state.moves.spot[currency]
            assert state.moves.spot[currency] >= 0
        assert all(one.in_transit >= 0 for one in state.moves.transfers.values())
        assert all(one.in_transit == 0 or one in state.moves.open() for one in state.moves.transfers.values())

    @invariant()
    def nothing_is_counted_twice(self) -> None:
        """A flow is of transfers at most once; a transfer arrives, is lost or returns as much as it set out."""
        flows: Counter[str] = Counter()
        ways: Counter[str] = Counter()
        for event, _ in self.desk.events:
            match event:
                case CashBooked(flow):
                    flows[flow.flow_id] += flow.amount.units
                case TransferRecorded(name, amount, "outside" | "spot"):
                    ways[name] += amount.units
                case TransferMatched(name, _, flow_id, amount):
                    assert amount.units * flows[flow_id] > 0
                    assert abs(amount.units) <= abs(flows[flow_id])
                    flows[flow_id] -= amount.units
                    ways[name] -= amount.units
                case TransferDone(name, arrived, _, cost):
                    ways[name] -= arrived.units + cost.units
                case TransferCancelled(name, returned):
                    ways[name] -= returned.units
            assert min(ways.values(), default=0) >= 0
        open_now = {one.recorded.transfer_id: one.in_transit for one in self.desk.state.moves.open()}
        assert +ways == +Counter(open_now)


TestTransfers = Transfers.TestCase
TestTransfers.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
