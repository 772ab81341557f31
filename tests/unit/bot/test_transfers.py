"""Transfers on a desk: the journal worked out by hand, Δ from the moment XBT is ours, and nothing counted twice."""

from decimal import Decimal

import pytest

from bot.ledger.balances import balances
from bot.ledger.proof import Proof
from bot.model.codec import GENESIS, record
from bot.model.events import Alerted, Recorded
from bot.model.inputs import CancelTransfer, Done, FinishTransfer, RecordConversion, RecordTransfer
from bot.model.transfers import TransferDone, TransferMatched
from bot.orders.fold import folded
from risk.approval import Denied
from risk.money import Currency, Money
from risk.orders import CashFlow, CashFlowKind
from tests.unit.bot.desk import D, Desk

XBT, USD = Currency.XBT, Currency.USD
SILENT = ("cme",)
COIN = 100_000_000

TRANSIT, SPOT, DEPOSITS = "assets:transit", "assets:spot", "equity:deposits"
OPENED = {
    ("assets:bitmex:cash", XBT): D(1),
    ("assets:cme:cash", USD): D(2_000_000),
    ("equity:opening", XBT): D(-1),
    ("equity:opening", USD): D(-2_000_000),
}


def money(amount: str, currency: Currency = XBT) -> Money:
    return Money.of(currency, D(amount))


class Till:
    """A desk with 1 XBT at bitmex and 2,000,000 USD at cme, where a person moves money."""

    def __init__(self) -> None:
        self.desk = Desk.ready()
        self.flows = 0

    def record(
        self,
        name: str,
        amount: str,
        target: str = "bitmex",
        source: str = "outside",
        currency: Currency = XBT,
        *,
        flow: str | None = None,
        another: bool = False,
    ) -> Done | Denied | None:
        return self.desk.give(
            RecordTransfer(
                name, money(amount, currency), source, target, "anna", "top-up", SILENT, flow, another
            )
        )

    def flow(self, amount: str, flow_id: str = "", venue: str = "bitmex") -> None:
        """The venue tells a deposit, or (negative) a withdrawal."""
        self.flows += 1
        kind = CashFlowKind.DEPOSIT if D(amount) > 0 else CashFlowKind.WITHDRAWAL
        self.desk.give(CashFlow(flow_id or f"f{self.flows}", venue, kind, money(amount), self.desk.now))

    def done(
        self, name: str, *, flow: str | None = None, arrived: str | None = None, final: bool = False
    ) -> Done | Denied | None:
        amount = None if arrived is None else D(arrived)
        return self.desk.give(FinishTransfer(name, "anna", "it is there", SILENT, amount, flow, final))

    def cancel(self, name: str) -> Done | Denied | None:
        return self.desk.give(CancelTransfer(name, "anna", "never sent", SILENT))

    def convert(self, sold: Money, bought: Money, fee: Money | None = None) -> Done | Denied | None:
        self.flows += 1
        fee = fee or Money(USD, 0)
        return self.desk.give(RecordConversion(f"c{self.flows}", sold, bought, fee, "anna", "bought"))

    def chain(self) -> list[Recorded]:
        chain: list[Recorded] = []
        for event, at in self.desk.events:
            chain.append(record(chain[-1].hash if chain else GENESIS, len(chain) + 1, at, event)[0])
        return chain

    def changes(self) -> dict[tuple[str, Currency], Decimal]:
        """What the accounts hold beyond the opening, in coins and dollars. Whatever else must hold is checked."""
        chain = self.chain()
        held, proof = balances(chain), Proof()
        assert [line for one in chain for line in proof.see(one)] == []
        assert all(held.total("", currency) == 0 for currency in Currency)
        assert held.delta_xbt == self.desk.state.delta() == folded(chain).delta()
        assert folded(chain).moves == self.desk.state.moves
        found = {key: D(units) / COIN - OPENED.get(key, D(0)) for key, units in held.accounts.items()}
        return {key: amount for key, amount in found.items() if amount}

    @property
    def delta(self) -> Decimal:
        return self.desk.state.delta()


def refused(answer: object, *words: str) -> None:
    assert isinstance(answer, Denied), answer
    for word in words:
        assert word in f"{answer.code} {answer.limit} {answer.given}", (word, answer)


# --- from outside to the inverse venue -----------------------------------------------------------------------


def test_xbt_counts_from_the_moment_it_is_recorded_and_not_twice_when_it_arrives() -> None:
    till = Till()
    till.record("t1", "0.5")
    assert till.delta == D("1.5")
    assert till.changes() == {(TRANSIT, XBT): D("0.5"), (DEPOSITS, XBT): D("-0.5")}
    till.flow("0.5")
    assert till.delta == D("1.5")
    assert till.changes() == {("assets:bitmex:cash", XBT): D("0.5"), (DEPOSITS, XBT): D("-0.5")}
    assert [str(event.status) for event in till.desk.state.moves.transfers.values()] == ["done"]
    assert till.desk.alerts[-1] == "TRANSFER_MATCHED"


def test_the_same_deposit_told_twice_is_one() -> None:
    till = Till()
    till.record("t1", "0.5")
    till.record("t2", "0.5")
    till.flow("0.5", "same")
    till.flow("0.5", "same")
    assert till.delta == D(2)
    assert till.changes()[TRANSIT, XBT] == D("0.5")
    assert [event.transfer_id for event in till.desk.told(TransferMatched)] == ["t1"]


def test_what_a_network_took_is_a_cost_once_a_person_says_it_is_done() -> None:
    till = Till()
    till.record("t1", "0.5")
    till.flow("0.4999")
    assert till.delta == D("1.5")
    assert till.changes() == {
        ("assets:bitmex:cash", XBT): D("0.4999"),
        (TRANSIT, XBT): D("0.0001"),
        (DEPOSITS, XBT): D("-0.5"),
    }
    assert "0.00010000 XBT short" in till.desk.told(Alerted)[-1].text
    assert isinstance(till.done("t1"), Done)
    assert till.delta == D("1.4999")
    assert till.changes() == {
        ("assets:bitmex:cash", XBT): D("0.4999"),
        ("expenses:fees:transfers", XBT): D("0.0001"),
        (DEPOSITS, XBT): D("-0.5"),
    }


def test_more_than_was_recorded_is_a_deposit_too() -> None:
    till = Till()
    till.record("t1", "0.5")
    till.flow("0.501")
    assert till.changes() == {("assets:bitmex:cash", XBT): D("0.501"), (DEPOSITS, XBT): D("-0.501")}
    assert till.desk.state.moves.loose == {}
    assert till.desk.state.moves.open() == []


def test_a_deposit_nobody_spoke_of_is_booked_and_said() -> None:
    till = Till()
    till.record("t1", "0.5")
    till.flow("0.3")
    assert till.delta == D("1.8")
    assert till.desk.alerts[-1] == "TRANSFER_UNKNOWN"
    assert [one.recorded.transfer_id for one in till.desk.state.moves.open()] == ["t1"]


def test_the_oldest_that_fits_is_matched() -> None:
    till = Till()
    for name, amount in (("t1", "0.7"), ("t2", "0.5"), ("t3", "0.5")):
        till.record(name, amount)
    till.flow("0.4998")
    assert [event.transfer_id for event in till.desk.told(TransferMatched)] == ["t2"]


def test_a_transfer_recorded_late_counts_once() -> None:
    till = Till()
    till.flow("0.5", "early")
    assert till.delta == D("1.5")
    refused(till.record("t1", "0.5"), "TRANSFER_REFUSED", "--flow early", "--another")
    assert till.delta == D("1.5")
    assert isinstance(till.record("t1", "0.5", flow="early"), Done)
    assert till.delta == D("1.5")
    assert till.changes() == {("assets:bitmex:cash", XBT): D("0.5"), (DEPOSITS, XBT): D("-0.5")}
    assert isinstance(till.record("t2", "0.5"), Done)  # nothing unexplained is left
    assert till.delta == D(2)


def test_another_transfer_of_the_same_size_is_another() -> None:
    till = Till()
    till.flow("0.5", "early")
    assert isinstance(till.record("t1", "0.5", another=True), Done)
    assert till.delta == D(2)
    till.flow("0.5")
    assert till.delta == D(2)
    assert list(till.desk.state.moves.loose) == [("bitmex", "early")]


def test_it_never_arrives_and_stays_in_sight() -> None:
    till = Till()
    till.record("t1", "0.5")
    till.desk.wait(86_400 * 30, ticks=3)
    (one,) = till.desk.state.moves.open()
    assert (one.on_its_way, till.delta) == (money("0.5"), D("1.5"))
    refused(till.done("t1"), "bitmex has told no deposit", "--final")
    assert isinstance(till.done("t1", final=True), Done)
    assert till.changes() == {("expenses:fees:transfers", XBT): D("0.5"), (DEPOSITS, XBT): D("-0.5")}
    assert till.delta == D(1)


def test_one_that_was_never_sent_leaves_no_trace_in_the_books() -> None:
    till = Till()
    till.record("t1", "0.5")
    assert isinstance(till.cancel("t1"), Done)
    assert till.changes() == {}
    refused(till.cancel("t1"), "TRANSFER_CLOSED", "cancelled")
    refused(till.done("nobody"), "TRANSFER_NONE")


def test_two_transfers_that_arrive_as_one_deposit() -> None:
    till = Till()
    till.record("t1", "0.5")
    till.record("t2", "0.3")
    till.flow("0.8", "both")
    assert till.delta == D("2.6")  # said aloud, and counted twice until a person tells what it was
    assert till.desk.alerts[-1] == "TRANSFER_UNKNOWN"
    assert isinstance(till.done("t1", flow="both"), Done)
    assert isinstance(till.done("t2", flow="both"), Done)
    assert till.delta == D("1.8")
    assert till.desk.state.moves.loose == {}


def test_one_transfer_that_arrives_in_two_parts() -> None:
    till = Till()
    till.record("t1", "0.5")
    till.flow("0.2", "a")
    answer = till.done("t1", flow="a")
    assert isinstance(answer, Done)
    assert "0.30000000 XBT are on their way" in answer.text
    till.flow("0.2999", "b")
    assert till.delta == D("1.5")
    assert isinstance(till.done("t1"), Done)
    assert till.changes() == {
        ("assets:bitmex:cash", XBT): D("0.4999"),
        ("expenses:fees:transfers", XBT): D("0.0001"),
        (DEPOSITS, XBT): D("-0.5"),
    }


# --- the broker, which tells nothing -------------------------------------------------------------------------


def test_at_a_venue_that_tells_no_flows_a_person_says_what_arrived() -> None:
    till = Till()
    till.record("t1", "40000", "cme", currency=USD)
    assert till.changes() == {(TRANSIT, USD): D(40_000), (DEPOSITS, USD): D(-40_000)}
    assert till.desk.state.cash_and_cost["cme"] == money("2000000", USD)
    heard = till.desk.state.last_heard.get("cme")
    assert isinstance(till.done("t1", arrived="39985"), Done)
    assert till.desk.state.cash_and_cost["cme"] == money("2039985", USD)
    assert till.changes() == {
        ("assets:cme:cash", USD): D(39_985),
        ("expenses:fees:transfers", USD): D(15),
        (DEPOSITS, USD): D(-40_000),
    }
    # A person's word says nothing about what has been heard from the venue.
    assert till.desk.state.last_heard.get("cme") == heard


def test_a_part_of_it_arrives_at_the_broker() -> None:
    till = Till()
    till.record("t1", "40000", "cme", currency=USD)
    refused(till.done("t1", arrived="40001"), "between 0 and 40,000.00 USD")
    till.done("t1", arrived="30000")
    assert till.changes()[TRANSIT, USD] == D(10_000)
    assert isinstance(till.done("t1"), Done)
    assert till.changes() == {("assets:cme:cash", USD): D(40_000), (DEPOSITS, USD): D(-40_000)}


def test_usd_wired_from_the_broker_becomes_xbt_at_the_inverse_venue() -> None:
    """The whole way: broker → spot, USD → XBT, spot → inverse venue. Only the purchase moves Δ."""
    till = Till()
    till.record("t1", "40000", "spot", "cme", USD)
    assert till.changes() == {("assets:cme:cash", USD): D(-40_000), (TRANSIT, USD): D(40_000)}
    refused(till.convert(money("39960", USD), money("0.5")), "t1 is on its way there")
    till.done("t1", arrived="39980")
    assert till.delta == D(1)
    till.convert(money("39960", USD), money("0.5"), money("20", USD))
    assert till.delta == D("1.5")
    assert till.changes() == {
        ("assets:cme:cash", USD): D(-40_000),
        ("expenses:fees:transfers", USD): D(20),
        ("expenses:fees:spot", USD): D(20),
        ("equity:exchange", USD): D(39_960),
        ("equity:exchange", XBT): D("-0.5"),
        (SPOT, XBT): D("0.5"),
    }
    till.record("t2", "0.5", "bitmex", "spot")
    assert till.delta == D("1.5")
    till.flow("0.4999")
    till.done("t2")
    assert till.delta == D("1.4999")
    assert till.changes() == {
        ("assets:cme:cash", USD): D(-40_000),
        ("expenses:fees:transfers", USD): D(20),
        ("expenses:fees:transfers", XBT): D("0.0001"),
        ("expenses:fees:spot", USD): D(20),
        ("equity:exchange", USD): D(39_960),
        ("equity:exchange", XBT): D("-0.5"),
        ("assets:bitmex:cash", XBT): D("0.4999"),
    }


def test_a_wire_that_came_back_stands_at_the_broker_again() -> None:
    till = Till()
    till.record("t1", "40000", "spot", "cme", USD)
    till.cancel("t1")
    assert till.changes() == {}
    assert till.desk.state.cash_and_cost["cme"] == money("2000000", USD)


# --- out of the inverse venue --------------------------------------------------------------------------------


def test_a_withdrawal_to_a_wallet_of_ours_stays_in_delta_until_it_is_sold() -> None:
    till = Till()
    till.record("t1", "0.2", "spot", "bitmex")
    assert till.changes() == {}
    refused(till.done("t1"), "bitmex has not told that it left")
    till.flow("-0.2002")  # its fee included
    assert till.delta == D(1)
    assert till.changes() == {("assets:bitmex:cash", XBT): D("-0.2002"), (TRANSIT, XBT): D("0.2002")}
    till.done("t1", arrived="0.2")
    assert till.delta == D("0.9998")
    till.convert(money("0.2"), money("16000", USD))
    assert till.delta == D("0.7998")
    assert till.changes() == {
        ("assets:bitmex:cash", XBT): D("-0.2002"),
        ("expenses:fees:transfers", XBT): D("0.0002"),
        ("equity:exchange", XBT): D("0.2"),
        ("equity:exchange", USD): D(-16_000),
        (SPOT, USD): D(16_000),
    }


def test_what_leaves_these_books_is_gone_when_the_venue_says_it_left() -> None:
    till = Till()
    till.record("t1", "0.2", "outside", "bitmex")
    assert till.delta == D(1)
    till.flow("-0.2")
    assert till.delta == D("0.8")
    assert till.changes() == {("assets:bitmex:cash", XBT): D("-0.2"), (DEPOSITS, XBT): D("0.2")}
    assert till.desk.told(TransferDone)[-1].arrived == money("0.2")


def test_a_withdrawal_told_before_it_was_recorded() -> None:
    till = Till()
    till.flow("-0.2", "w")
    assert till.delta == D("0.8")
    refused(till.record("t1", "0.2", "spot", "bitmex"), "--flow w")
    till.record("t1", "0.2", "spot", "bitmex", flow="w")
    assert till.delta == D(1)
    assert till.changes() == {("assets:bitmex:cash", XBT): D("-0.2"), (TRANSIT, XBT): D("0.2")}


# --- conversions ---------------------------------------------------------------------------------------------


def test_xbt_bought_with_money_from_outside() -> None:
    till = Till()
    answer = till.convert(money("40000", USD), money("0.5"))
    assert isinstance(answer, Done)
    assert "at 80,000.00 USD; 40,000.00 USD of it came from outside" in answer.text
    assert till.delta == D("1.5")
    assert till.changes() == {
        (DEPOSITS, USD): D(-40_000),
        ("equity:exchange", USD): D(40_000),
        ("equity:exchange", XBT): D("-0.5"),
        (SPOT, XBT): D("0.5"),
    }


@pytest.mark.parametrize(
    ("target", "source", "currency", "amount", "word"),
    [
        ("moon", "outside", XBT, "1", "no place 'moon': it is one of outside, spot, bitmex, cme"),
        ("cme", "outside", XBT, "1", "cme holds USD, not XBT"),
        ("bitmex", "outside", USD, "1", "bitmex holds XBT, not USD"),
        ("spot", "spot", XBT, "1", "nothing moves"),
        ("bitmex", "outside", XBT, "0", "more than 0"),
        ("bitmex", "spot", XBT, "1", "spot holds 0.00000000 XBT"),
    ],
)
def test_what_cannot_be_recorded(
    target: str, source: str, currency: Currency, amount: str, word: str
) -> None:
    till = Till()
    refused(till.record("t1", amount, target, source, currency), "TRANSFER_REFUSED", word)
    assert till.changes() == {}


def test_what_cannot_be_converted() -> None:
    till = Till()
    refused(till.convert(money("1"), money("2")), "sells one currency for the other")
    refused(till.convert(money("0"), money("2", USD)), "sells one currency for the other")
    refused(till.convert(money("1"), money("2", USD), money("3", USD)), "a fee of 3.00 USD")
    assert till.changes() == {}
