"""The same replay without the automation and with it: what it cost, and what it was worth."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from bot.model.policy import Policy
from bot.runtime.replay.result import Replayed
from bot.runtime.replay.worth import Naked, brought, gained, naked
from risk.money import Currency

_NONE = "–"
_UNDER = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Beside:
    """``band``: XBT that Δ may be off, of the collateral's watch."""

    without: Replayed
    watched: Replayed
    band: Decimal

    @classmethod
    def of(cls, without: Replayed, watched: Replayed, rules: Policy) -> "Beside":
        """``rules``: those ``watched`` was played by."""
        collateral = None if rules.automation is None else rules.automation.collateral
        return cls(without, watched, _UNDER if collateral is None else collateral.band)

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        """What a figure is, without the automation, and with it."""
        return [
            (name, first, second)
            for (name, first), (_, second) in zip(
                _figures(self.without, self.band), _figures(self.watched, self.band), strict=True
            )
        ]

    @property
    def own(self) -> list[tuple[str, str, str, str, str]]:
        """What each watch did: its name, plans, XBT traded at the inverse venue and at CME, and their cost."""
        return [
            (
                str(one.cause),
                f"{one.plans}",
                f"{one.inverse_xbt:,.2f}",
                f"{one.linear_xbt:,.2f}",
                f"{one.cost:,.2f}",
            )
            for one in self.watched.own
        ]


def _figures(result: Replayed, band: Decimal) -> Iterator[tuple[str, str]]:
    delta = naked(result, band)
    yield "won or lost, USD, without what was brought", f"{gained(result):+,.2f}"
    cost = sum((one.cost for one in result.own), Decimal(0))
    yield "cost of what the bot did by itself, USD (in it)", f"{cost:,.2f}"
    yield "largest drawdown, USD", f"{result.drawdown_usd.worst:,.2f}"
    yield "positions closed by force", _forced(result)
    for venue in (result.samples[0].inverse.venue, result.samples[0].broker.venue):
        low = next((low for low in result.lows if low.venue == venue and low.unit == "% of price"), None)
        told = _NONE if low is None else f"{low.figure:.1f} %, {low.at:%F %R}"
        yield f"nearest to a liquidation at {venue}", told
    yield from _naked(delta, band)
    yield "transfers: asked for, counting reminders", f"{result.alerts['TRANSFER_WANTED']}"
    yield "brought, worth USD at the end's price", f"{brought(result):,.2f}" + _sent(result)
    yield "tickets", f"{len(result.tickets)}" + _decided(result)


def _forced(result: Replayed) -> str:
    if not result.forced:
        return "none"
    contracts = {fill.instrument for fill in result.forced}
    return f"{len(result.forced)} fills, {', '.join(sorted({key.venue for key in contracts}))}"


def _naked(delta: Naked, band: Decimal) -> Iterator[tuple[str, str]]:
    yield "naked Δ while a spread is up, at most, XBT", f"{delta.most:.3f}"
    yield "the same, for 10 s and longer", f"{delta.lasting:.3f}"
    yield f"longest beyond {band} XBT", _span(delta.beyond)
    yield "naked Δ, XBT·hours", f"{delta.hours:,.2f}"


def _sent(result: Replayed) -> str:
    if not result.sent:
        return ""
    sums = {
        currency: sum((one.amount for one in result.sent if one.currency is currency), Decimal(0))
        for currency in Currency
    }
    told = [
        f"{amount:,.{4 if currency is Currency.XBT else 0}f} {currency}"
        for currency, amount in sums.items()
        if amount
    ]
    return f" ({', '.join(told)} sent)"


def _decided(result: Replayed) -> str:
    told = ", ".join(f"{count} {name}" for name, count in sorted(result.decisions.items()))
    return f" ({told})" if told else ""


def _span(span: timedelta) -> str:
    seconds = span.total_seconds()
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"
