"""Initial margin before and after a leg: as its venue has said it, else from the rates it states."""

from dataclasses import dataclass
from decimal import Decimal

from bot.orders.market import Market
from bot.orders.state import BotState
from risk.checks.case import Margin
from risk.instruments import Instrument
from risk.orders import Side
from risk.portfolio import MarginImpact
from risk.terms import Kind


@dataclass(frozen=True, slots=True)
class MarginUse:
    """Fractions of equity; None where the venue's rate, or its account, is not known. ``impact``: the venue's own
    word, where it has given it."""

    before: Decimal | None
    after: Decimal | None
    impact: MarginImpact | None = None


def margin_use(
    state: BotState, market: Market, instrument: Instrument, side: Side, contracts: int, price: Decimal
) -> MarginUse:
    told = market.impacts.get(instrument.id)
    if told is not None and (told.side, told.contracts) == (side, contracts) and told.impact is not None:
        return _as_told(told.impact)
    account = market.accounts.get(instrument.id.venue)
    if account is None or account.equity.units <= 0:
        return MarginUse(None, None)
    before = Decimal(account.initial_margin.units) / account.equity.units
    held = state.positions[instrument.id]
    change = abs(held + side.sign * contracts) - abs(held)
    if instrument.terms.kind is Kind.INVERSE:
        units = instrument.value_units(change, price) * instrument.terms.initial_margin
        return MarginUse(before, max(before + units / account.equity.units, Decimal(0)))
    if held and before:
        # The broker's rate is its own affair: scale what it asks for now.
        return MarginUse(before, max(before * (abs(held) + change) / abs(held), Decimal(0)))
    return MarginUse(before, None)


def _as_told(impact: MarginImpact) -> MarginUse:
    before, after = impact.equity_before.units, impact.equity_after.units
    return MarginUse(
        Decimal(impact.initial_before.units) / before if before > 0 else None,
        Decimal(impact.initial_after.units) / after if after > 0 else None,
        impact,
    )


def margin(
    state: BotState, market: Market, instrument: Instrument, side: Side, contracts: int, price: Decimal
) -> Margin | None:
    """Return what the rules about margin want to know; None before the account has been told."""
    account = market.accounts.get(instrument.id.venue)
    if account is None:
        return None
    use = margin_use(state, market, instrument, side, contracts, price)
    equity = account.equity if use.impact is None else use.impact.equity_after
    return Margin(use.after, str(equity), spent=equity.units <= 0, worth=equity.amount)
