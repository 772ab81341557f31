"""The broker's account values: what is in another currency than dollars is no margin, and no mistake either."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations

from ib_async.objects import AccountValue

from adapters.ibkr.account import account_of
from risk.money import Currency, Money
from tests.unit.adapters.ibkr_words import SETTINGS

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def value(tag: str, amount: str, currency: str = "USD") -> AccountValue:
    return AccountValue(SETTINGS.account, tag, amount, currency, "")


TOTALS = [
    value(tag, "110000.00")
    for tag in ("NetLiquidation", "AvailableFunds", "FullInitMarginReq", "FullMaintMarginReq")
]


def test_of_a_tag_in_two_currencies_the_dollars_count() -> None:
    told = [
        value("TotalCashValue", "110000.00"),
        value("FuturesPNL", "250.00"),
        value("FuturesPNL", "0.00", "EUR"),
        value("FuturesPNL", "250.00", "BASE"),
    ]
    for order in permutations(told):
        wallet = account_of(SETTINGS, [*order, *TOTALS], NOW).wallet
        assert wallet == Money.of(Currency.USD, Decimal("109750.00"))
