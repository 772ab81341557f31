"""What the broker says an order would do to the account: the margins in an order's state, read strictly.

It writes "no value" as the largest double, in whatever spelling, and nothing at all for what it does not work out.
"""

from decimal import Decimal

from ib_async.order import OrderState

from adapters.errors import Unreachable
from adapters.ibkr.translate import amount_of, decimal_of
from risk.money import Currency, Money
from risk.portfolio import MarginImpact

_LARGEST = Decimal("1e300")
"""Beyond it a number is "no value": 1.7976931348623157E308, however rounded."""


def impact_of(venue: str, state: OrderState) -> MarginImpact | None:
    """Read a what-if's answer; None where the broker leaves a figure out. Raises Unreachable where it is no number.

    The figures are the whole account's, in its base currency, which this adapter has made sure is USD.
    """
    named = {
        "initial_before": state.initMarginBefore,
        "initial_after": state.initMarginAfter,
        "maintenance_before": state.maintMarginBefore,
        "maintenance_after": state.maintMarginAfter,
        "equity_before": state.equityWithLoanBefore,
        "equity_after": state.equityWithLoanAfter,
    }
    figures = {name: _money(venue, name, text) for name, text in named.items()}
    told = {name: figure for name, figure in figures.items() if figure is not None}
    if len(told) < len(named):
        return None
    return MarginImpact(**told, commission=_commission(state))


def _money(venue: str, name: str, text: str) -> Money | None:
    if not text:
        return None
    amount = amount_of(text)
    if amount is None:
        detail = f"{name.replace('_', ' ')} was answered by {text!r}"
        raise Unreachable(venue, "ask what an order would need", detail)
    return None if abs(amount) >= _LARGEST else Money.of(Currency.USD, amount)


def _commission(state: OrderState) -> Money | None:
    amount = decimal_of(state.commission)
    if amount is None or abs(amount) >= _LARGEST or state.commissionCurrency not in ("", Currency.USD):
        return None
    return Money.of(Currency.USD, amount)
