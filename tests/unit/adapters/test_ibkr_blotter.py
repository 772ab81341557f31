"""Sequences of the gateway's words, and what is told of them."""

import asyncio
from collections.abc import Callable
from decimal import Decimal

import pytest
from ib_async.util import UNSET_DOUBLE

from adapters.errors import OutcomeUnknown, Refused
from adapters.ibkr.contracts import Contracts
from adapters.ibkr.orders import Word
from risk.instruments import InstrumentId
from risk.money import Currency, Money
from risk.orders import Fill, OrderUpdate
from tests.unit.adapters.ibkr_words import MBT, PERM_ID, SETTINGS, THEIRS, Gateway, contract

EXEC_1, EXEC_2 = "0000e1a7.5c46793a.01.01", "0000e1a7.5c46793b.01.01"


def sent(gateway: Gateway, say: Callable[[], None], quantity: int = 5) -> BaseException | None:
    """Send an order, let the gateway speak, and return what the sender's wait ended with."""

    async def main() -> BaseException | None:
        first_word = gateway.blotter.sent(gateway.record(quantity))
        say()
        if not first_word.done():
            gateway.blotter.stop_waiting("p1")
            return TimeoutError("no word")
        return first_word.exception()

    return asyncio.run(main())


def test_pending_submit_is_no_proof_that_the_order_exists() -> None:
    gateway = Gateway()
    outcome = sent(gateway, lambda: gateway.open_order("PendingSubmit"))
    assert isinstance(outcome, TimeoutError)
    assert gateway.told == []


@pytest.mark.parametrize("status", ["PreSubmitted", "Submitted"])
def test_acknowledged_is_the_first_word(status: str) -> None:
    gateway = Gateway()
    assert sent(gateway, lambda: gateway.open_order(status)) is None
    assert gateway.told == []  # the sender has it


@pytest.mark.parametrize("code", [110, 200, 321, 434])
def test_a_new_order_refused_by_nothing_but_an_error_is_refused(code: int) -> None:
    gateway = Gateway()
    outcome = sent(gateway, lambda: gateway.error(code, "off tick"))
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.detail) == (str(code), "off tick")


def test_a_rejection_is_one_whether_the_error_or_the_status_comes_first() -> None:
    def error_first(gateway: Gateway) -> None:
        gateway.error(201, "margin")
        gateway.open_order("Inactive")
        gateway.status("Inactive")

    gateway = Gateway()
    outcome = sent(gateway, lambda: error_first(gateway))
    assert isinstance(outcome, Refused)
    assert outcome.code == "201"
    assert gateway.told == []
    gateway = Gateway()
    assert isinstance(sent(gateway, lambda: gateway.status("Inactive")), Refused)


def test_a_rejection_after_the_acknowledgement_reaches_the_sink() -> None:
    gateway = Gateway()
    sent(gateway, lambda: gateway.open_order("PreSubmitted"))
    gateway.error(201, "margin")
    assert gateway.updates == [("rejected", 0)]
    update = gateway.told[0]
    assert isinstance(update, OrderUpdate)
    assert update.reason == "margin"


def test_110_on_a_living_order_concerns_a_change_and_the_order_lives_on() -> None:
    gateway = Gateway()
    sent(gateway, lambda: gateway.open_order("Submitted"))
    gateway.error(110)
    gateway.status("Submitted", 2, 3)
    assert "rejected" not in [status for status, _ in gateway.updates]
    assert gateway.updates[-1] == ("partially_filled", 2)


def test_a_warning_about_a_preset_cancels_nothing() -> None:
    gateway = Gateway()

    def speak() -> None:
        gateway.error(10349, "Order TIF was set to DAY based on order preset.")
        gateway.open_order("Submitted")

    assert sent(gateway, speak) is None
    assert gateway.doubted == []
    gateway.executed(EXEC_1, 5)
    assert gateway.updates == [("filled", 5)]


def test_an_unknown_code_puts_the_order_in_doubt_and_ends_no_wait() -> None:
    gateway = Gateway()
    outcome = sent(gateway, lambda: gateway.error(9999))
    assert isinstance(outcome, TimeoutError)
    assert [record.client_order_id for record in gateway.doubted] == ["p1"]


def test_cancelled_is_provisional() -> None:
    gateway = Gateway()
    sent(gateway, lambda: gateway.open_order("Submitted"))
    gateway.status("Cancelled", 0, 5)
    assert gateway.updates == []
    (record,) = gateway.doubted
    gateway.open_order("Submitted")  # the open orders contradict it, and it fills
    gateway.executed(EXEC_1, 5)
    assert gateway.updates == [("filled", 5)]
    assert record.is_final


def test_a_confirmed_cancel_is_told_and_a_late_fill_still_counts() -> None:
    gateway = Gateway()
    sent(gateway, lambda: gateway.open_order("Submitted"))
    gateway.status("Cancelled", 0, 5)
    gateway.doubted[0].confirm_cancel()
    gateway.blotter.news(gateway.doubted[0])
    gateway.executed(EXEC_1, 2)
    assert gateway.updates == [("canceled", 0), ("canceled", 2)]
    gateway.status("Submitted", 2, 3)  # overtaken on its way
    assert gateway.updates[-1] == ("canceled", 2)
    gateway.executed(EXEC_2, 3)
    assert gateway.updates[-1] == ("filled", 5)


def test_a_fill_is_told_before_the_order_update_it_causes_and_once() -> None:
    gateway = Gateway()
    sent(gateway, lambda: gateway.open_order("Submitted"))
    for _ in range(2):
        gateway.executed(EXEC_1, 2)
    gateway.status("Submitted", 2, 3)
    assert [type(event) for event in gateway.told] == [Fill, OrderUpdate]
    assert gateway.updates == [("partially_filled", 2)]


def test_an_execution_alone_proves_the_order() -> None:
    gateway = Gateway()
    assert sent(gateway, lambda: gateway.executed(EXEC_1, 5)) is None
    assert gateway.blotter.find("p1") is not None
    assert [fill.quantity for fill in gateway.fills] == [5]


def test_a_correction_is_told_under_the_same_id_and_not_added_up() -> None:
    gateway = Gateway()
    sent(gateway, lambda: gateway.open_order("Submitted"))
    gateway.executed(EXEC_1, 3)
    gateway.executed(EXEC_2, 2)
    assert gateway.updates[-1] == ("filled", 5)
    gateway.executed(EXEC_1[:-2] + "02", 3, price=100005.0)
    first, second, corrected = gateway.fills
    assert first.execution_id == corrected.execution_id != second.execution_id
    assert (first.price, corrected.price) == (Decimal(100_000), Decimal(100_005))
    assert gateway.updates[-1] == ("filled", 5)  # 8 of 5 is what adding up would say


def test_a_correction_downwards_wins_over_the_brokers_older_count() -> None:
    gateway = Gateway()
    sent(gateway, lambda: gateway.open_order("Submitted"))
    gateway.executed(EXEC_1, 3)
    gateway.status("Submitted", 3, 2)
    gateway.executed(EXEC_1[:-2] + "02", 1)
    assert gateway.updates[-1] == ("partially_filled", 1)


def test_history_is_not_told_but_what_was_missed_is() -> None:
    gateway = Gateway()
    gateway.executed(EXEC_1, 1, live=False)
    gateway.charged(EXEC_1, 2.37)
    assert gateway.told == []
    gateway.blotter.tells_history = True
    for _ in range(2):
        gateway.executed(EXEC_1, 1, live=False)
        gateway.executed(EXEC_2, 2, live=False)
    assert [fill.quantity for fill in gateway.fills] == [2]


def test_commissions_follow_their_fill_whichever_comes_first_and_once() -> None:
    gateway = Gateway()
    gateway.charged(EXEC_1, 2.47)
    assert gateway.told == []
    gateway.executed(EXEC_1, 1)
    (fee,) = gateway.fees
    gateway.charged(EXEC_1, 2.47)
    assert gateway.fees == [fee]
    assert fee.execution_id == gateway.fills[0].execution_id
    assert fee.fee == Money(Currency.USD, 247_000_000)
    gateway.charged(EXEC_1[:-2] + "02", 2.50)
    assert [fee.fee.units for fee in gateway.fees] == [247_000_000, 250_000_000]
    gateway.charged(EXEC_1, 2.47)  # the older version again
    assert len(gateway.fees) == 2


def test_no_commission_yet_is_not_a_commission() -> None:
    gateway = Gateway()
    gateway.executed(EXEC_1, 1)
    gateway.charged(EXEC_1, UNSET_DOUBLE)
    assert gateway.fees == []


def test_other_programs_orders_are_not_told_but_their_fills_are() -> None:
    gateway = Gateway()
    gateway.open_order("Submitted", clientId=THEIRS, orderRef="")
    gateway.executed(EXEC_1, 2, clientId=THEIRS, orderRef="")
    assert gateway.updates == []
    (fill,) = gateway.fills
    assert (fill.client_order_id, fill.venue_order_id) == (None, str(PERM_ID))


def test_the_same_order_id_of_another_client_is_another_order() -> None:
    gateway = Gateway()
    outcome = sent(gateway, lambda: gateway.open_order("Submitted", clientId=THEIRS, permId=99, orderRef="x"))
    assert isinstance(outcome, TimeoutError)


def test_other_accounts_and_other_kinds_of_contract_do_not_concern_us() -> None:
    gateway = Gateway()
    gateway.executed(EXEC_1, 2, acctNumber="DU2")
    gateway.open_order("Submitted", account="DU2")
    assert gateway.told == []
    assert gateway.blotter.find("p1") is None


def test_contracts_are_named_ours_when_configured_else_by_the_brokers_symbol() -> None:
    contracts = Contracts(SETTINGS)
    assert contracts.id_of(contract()) == MBT
    other = contract(localSymbol="MBTF7", lastTradeDateOrContractMonth="20270129", conId=2)
    assert contracts.id_of(other) == InstrumentId("cme", "MBTF7")
    assert contracts.id_of(contract(secType="STK")) is None


def test_a_lost_link_leaves_the_sender_without_an_outcome() -> None:
    gateway = Gateway()
    outcome = sent(gateway, lambda: gateway.blotter.connection_lost("reset by peer"))
    assert isinstance(outcome, OutcomeUnknown)
    assert "reset by peer" in str(outcome)


def test_order_ids_mean_nothing_on_the_next_connection() -> None:
    """They roll back: the next order 5 is another order, and our order is found again by its reference."""
    gateway = Gateway()
    sent(gateway, lambda: gateway.blotter.connection_lost("restart"))
    gateway.error(201, "about somebody else's order 5")
    assert gateway.told == []
    gateway.open_order("Submitted", orderId=12)
    assert gateway.updates == [("new", 0)]
    record = gateway.blotter.find("p1")
    assert record is not None
    assert (record.order_id, record.perm_id, record.word) == (12, PERM_ID, Word.WORKING)


def test_a_held_order_says_why() -> None:
    gateway = Gateway()
    sent(gateway, lambda: gateway.error(399, "will not be placed until 17:00"))
    gateway.open_order("PreSubmitted")
    (update,) = (u for u in gateway.told if isinstance(u, OrderUpdate))
    assert (update.status.value, update.reason) == ("new", "will not be placed until 17:00")
