"""The plots of a replay's report, made of its samples. Floats only from here on: they are drawn, not counted."""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from bot.runtime.replay.result import Replayed
from bot.runtime.replay.series import Sample
from bot.surfaces.chart import Chart, Line, Point

_FAR = 3.0
"""Beyond this a liquidation is out of the picture."""


def plots(result: Replayed) -> Iterator[Chart]:
    samples = result.samples
    shades = result.closures
    marks = [(fill.at, f"{fill.cause} at {fill.price} on {fill.at:%F %R} UTC") for fill in result.forced]
    first = samples[0].equity_usd

    def line(name: str, figure: Callable[[Sample], Decimal | None], *, steps: bool = False) -> Line:
        return Line(name, _points(samples, figure), steps)

    yield Chart(
        "Prices",
        "USD per XBT",
        [line("XBTUSD", lambda one: one.price), line("CME", lambda one: one.linear)],
        shades,
        marks=marks,
    )
    yield Chart(
        "Basis: CME − XBTUSD",
        "% of XBTUSD",
        [line("basis", lambda one: None if one.basis is None else one.basis / one.price * 100)],
        shades,
        note="Of the month the spread belongs in at that time; nothing where CME is closed or not recorded.",
        least=0.0,
        most=0.0,
        marks=marks,
    )
    yield Chart(
        "Δ of the portfolio",
        "XBT",
        [line("Δ", lambda one: one.delta, steps=True)],
        shades,
        note="Wallet, positions and unrealised results. While neither spread nor hedge is held, Δ is the wallet.",
        least=0.0,
        most=0.0,
        marks=marks,
    )
    yield Chart(
        "Positions",
        "XBT",
        [
            line("inverse venue, at the price of the moment", lambda one: one.inverse_xbt, steps=True),
            line("CME", lambda one: one.linear_xbt, steps=True),
        ],
        shades,
        least=0.0,
        most=0.0,
        marks=marks,
    )
    yield Chart(
        "Margin: how far the price may go before a liquidation",
        "% of price",
        [
            line("inverse venue", lambda one: _distance(one.inverse.distance)),
            line("broker", lambda one: _distance(one.broker.distance)),
        ],
        shades,
        note=f"Against the position at that venue; beyond {_FAR:.0%} it is not drawn.",
        least=0.0,
        marks=marks,
    )
    yield Chart(
        "Equity at each venue",
        "USD",
        [
            line("inverse venue, at the price of the moment", lambda one: one.inverse.equity * one.price),
            line("broker", lambda one: one.broker.equity),
            line("together", lambda one: None if one.linear is None else one.equity_usd),
        ],
        shades,
        least=0.0,
        marks=marks,
    )
    yield Chart(
        "P&L so far",
        "USD",
        [
            line("both accounts", lambda one: None if one.linear is None else one.equity_usd - first),
            line("funding", lambda one: one.funding_usd, steps=True),
            line("fees", lambda one: one.fees_usd, steps=True),
            line("the rest: basis, and price where unhedged", lambda one: _rest(one, first)),
        ],
        shades,
        note="Only where both venues are quoted: else one leg stands still. Funding and fees in XBT are valued when "
        "they were booked. Not evidence of profit.",
        least=0.0,
        most=0.0,
        marks=marks,
    )


def _points(samples: Sequence[Sample], figure: Callable[[Sample], Decimal | None]) -> list[Point]:
    told = ((one.at, figure(one)) for one in samples)
    return [(at, None if number is None else float(number)) for at, number in told]


def _distance(distance: Decimal | None) -> Decimal | None:
    return None if distance is None or distance > _FAR else distance * 100


def _rest(one: Sample, first: Decimal) -> Decimal | None:
    if one.linear is None:
        return None
    return one.equity_usd - first - one.funding_usd - one.fees_usd
