"""The two venues of a replay, on recorded prices, and what was assumed to make them out of a file."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from adapters.simulator.exchange.cme_hours import Hours, sessions
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.sessions import ALWAYS_OPEN, Sessions
from adapters.simulator.inprocess import InProcessVenue
from adapters.simulator.market import interpolated
from adapters.simulator.market.formats import Kind, Month
from adapters.simulator.market.interpolated import LONGEST_CLOSED, LONGEST_OPEN, InterpolatedMarket
from adapters.simulator.market.ladder import Ladders
from adapters.simulator.market.update import Market
from adapters.simulator.scenario import InverseScenario, LinearScenario, MarketScenario, Scenario
from adapters.simulator.virtual_loop import VirtualTime
from adapters.simulator.world import World, build
from bot.runtime.replay.options import Options, Weekends
from bot.runtime.replay.recordings import ROLL_BEFORE, Recording, moments_between
from bot.runtime.replay.shock import Shocked
from bot.runtime.replay.strategy import LONG_CLOSURE
from risk.instruments import InstrumentId
from risk.sessions import Span

LATENCY = timedelta(milliseconds=20)
_DEFAULT_FUNDING = 100
_DAY = timedelta(days=1)
_PPM = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class Stage:
    """``months``: the CME contract of each month a spread may be held in."""

    world: World
    inverse: InProcessVenue
    linear: InProcessVenue
    perpetual: InstrumentId
    months: dict[Month, InstrumentId]
    accounts: tuple[str, str]
    always_open: bool


def set_up(recording: Recording, options: Options, clock: VirtualTime) -> Stage:
    """Build both venues, funded, at the clock's time. Raises ScenarioError."""
    days = (recording.ends - recording.starts).days + 14
    quotes = recording.kind is Kind.QUOTES
    cme = sessions(Hours.WEEKDAYS, (recording.starts - 7 * _DAY).date(), days)
    scenario = Scenario(
        seed=options.seed,
        market=MarketScenario(
            data=recording.path if quotes else None, data_from=options.begins, levels=3, basis=options.basis
        ),
        inverse=InverseScenario(
            wallet=options.wallet, funding_rate=_DEFAULT_FUNDING, funding_recorded=recording.funding
        ),
        linear=LinearScenario(
            cash=options.cash,
            months=recording.months,
            sessions=ALWAYS_OPEN if quotes else cme,
            price_band=0,
        ),
    )

    def source(market: MarketScenario, specs: Iterable[ContractSpec], seed: int, _: datetime) -> Market:
        ladders = Ladders(market, random.Random(f"market:{seed}"))
        path = _path(recording, options, cme)
        if options.shock is not None:
            closures = long_closures(cme, recording)
            path = Shocked(
                lambda: _path(recording, options, cme), closures, recording.contract, options.shock
            )
        return InterpolatedMarket(path, specs, ladders, options.spreads)

    world = build(scenario, clock, None if quotes else source)
    accounts = scenario.inverse.account, scenario.linear.account
    inverse = InProcessVenue(world.inverse, accounts[0], clock, latency=LATENCY)
    linear = InProcessVenue(world.linear, accounts[1], clock, latency=LATENCY)
    months = {
        (spec.expiry.year, spec.expiry.month): InstrumentId(linear.name, spec.symbol)
        for spec in world.linear.specs()
        if spec.expiry is not None
    }
    perpetual = InstrumentId(inverse.name, world.inverse.specs()[0].symbol)
    return Stage(world, inverse, linear, perpetual, months, accounts, quotes)


def long_closures(sessions: Sessions, recording: Recording) -> tuple[Span, ...]:
    """Return CME's long closures while the recording lasts."""
    gaps = (Span(before.closes, after.opens) for before, after in pairwise(sessions.intervals or ()))
    return tuple(
        gap
        for gap in gaps
        if gap.length > LONG_CLOSURE and gap.end > recording.starts and gap.start < recording.ends
    )


def _path(recording: Recording, options: Options, cme: Sessions) -> interpolated.Path:
    # A day more on either side: what is recorded just outside is still a neighbour to what is played.
    around = recording.starts - _DAY, recording.ends + _DAY
    if recording.kind is Kind.HOURS:
        return interpolated.Hours(moments_between(recording.path, *around), cme)
    hours = None
    if recording.hours is not None:
        hours = interpolated.Hours(moments_between(recording.hours, *around), cme)
    minutes = moments_between(recording.path, recording.starts, recording.ends)
    return interpolated.Minutes(minutes, hours, recording.months, options.basis)


def assumptions(recording: Recording, options: Options, watches: Sequence[str] = ()) -> tuple[str, ...]:
    """Say what had to be assumed, a sentence each; the report begins with them. ``watches``: the automation's."""
    told = [*_of_prices(recording, options), *_of_venues(recording, options), *_of_people(options)]
    return (*told, *(_of_automation(options, watches) if watches else ()))


def _of_prices(recording: Recording, options: Options) -> Iterable[str]:
    hours = LONGEST_OPEN // timedelta(hours=1)
    if recording.kind is Kind.QUOTES:
        yield (
            "Bid and ask are the recorded ones. The CME leg is quoted at the recorded inverse future's prices: the "
            "basis and its swings are real; CME's own book, hours and margin are not, and it never closes here."
        )
    elif recording.kind is Kind.HOURS:
        yield (
            "Between two recorded closes the perpetual moves in a straight line, looked at every five minutes (twice "
            "a second while a plan is worked): highs and lows within an hour are missing, so margin low points were at "
            "least as low as told."
        )
        yield (
            "CME is at its recorded price at every hour that has one; between them it is the perpetual plus the basis "
            f"in a straight line, also where nobody traded before a close or after an open. Across holes of more than "
            f"{hours} h of trading it is not quoted."
        )
        yield (
            "While CME is closed the file has no row: the perpetual moves in a straight line over the weekend (up to "
            f"{LONGEST_CLOSED // timedelta(hours=1)} h), so the worst excursion of a weekend is missing."
        )
    else:
        yield (
            "The perpetual is walked through each minute's open end, its two extremes and its close. Minutes without "
            "trading are outages: nobody quotes either leg."
        )
        yield _derived(recording, options)
    if recording.kind is not Kind.QUOTES:
        yield (
            f"Best bid and ask stand {options.spreads.inverse / 100:g} USD apart at the perpetual and "
            f"{options.spreads.linear / 100:g} USD at CME around that price; behind them two more levels. Depth is "
            "drawn: about 40,000 USD a level and 0.4 XBT a level, thinner when the price runs."
        )


def _derived(recording: Recording, options: Options) -> str:
    if recording.hours is None:
        return (
            f"No CME price is recorded: CME trades at the perpetual plus {options.basis / _PPM:.2f} %, always. The "
            "basis, and with it the result of spreads, is an assumption and not a record."
        )
    return (
        "CME trades at the perpetual's minute plus the basis between the hourly closes around it (CME − XBTUSD at the "
        "same minute), in a straight line. In a fast market the two did not move together like that."
    )


def _of_venues(recording: Recording, options: Options) -> Iterable[str]:
    if recording.kind is not Kind.QUOTES:
        yield (
            "CME's hours are those of the time: Sunday 17:00 to Friday 16:00 Chicago, an hour's break each day, closed "
            "on New Year's Day, Good Friday and Christmas Day, and from 12:15 on on 3 July, 24 December and the day "
            "after Thanksgiving; the shorter days of other holidays, and price limits, are not played."
        )
        yield (
            "The CME contract is a micro future of 0.1 XBT in the month the recording holds, which CME did not list "
            f"then. {ROLL_BEFORE.days} days before the recording leaves a month, once the next is quoted, the spread "
            "is taken down in it and opened in the next, both legs."
        )
    known = f"{len(recording.funding):,} recorded rates" if recording.funding else "no recorded rates"
    yield (
        f"Funding at 04:00, 12:00 and 20:00 UTC: {known}; where none is recorded "
        f"{_DEFAULT_FUNDING / 10_000:g} %. The index is the perpetual's own price."
    )
    yield (
        "Fees: 0.05 % of value at the inverse venue, maker and taker; 2.37 USD a contract and side at the broker. "
        "Margin: 0.5 % maintenance in cross at the inverse venue; at the broker 50 % of value for a long and 100 % for "
        "a short. Inverse terms (lot 100, tick 0.1) are later ones."
    )
    yield (
        "Both venues answer after 20 ms and nothing fails. A liquidation at the inverse venue takes the position over "
        "at its bankruptcy price; the broker closes at the market what lacks margin. Nobody else's liquidations are "
        "known, so none of our winning positions is deleveraged."
    )


def _of_people(options: Options) -> Iterable[str]:
    whose = "Every ticket of the rule's own plans" if options.asleep else "Every ticket"
    later = (
        "what the bot asks for is brought, and is there after the profile's lead times."
        if options.sends
        else "nothing is added later, whatever happens (see what would have been needed)."
    )
    yield (
        f"{whose} is approved {options.approve_after.total_seconds():g} s after it was raised. Collateral: "
        f"{options.wallet / 10**8:,g} XBT and {options.cash / 10**8:,.0f} USD at the start; {later}"
    )
    if options.open_at is None:
        yield "A spread is opened as soon as it can be and held to the end."
    else:
        yield f"A spread is opened at a basis of {options.open_at}, and taken down at {options.close_at}."
    yield (
        "Weekends: the spread is kept."
        if options.weekends is Weekends.KEEP
        else "Weekends: the spread is taken down three hours before CME's long closures, and opened again after; the "
        "collateral's hedge stays."
    )
    yield (
        "When a venue has closed a position by force, trading halts; an hour later the scripted owner looks, "
        "enables, and takes down what is left. Nothing is opened after that."
    )


def _of_automation(options: Options, watches: Sequence[str]) -> Iterable[str]:
    yield (
        f"The bot watches by itself: {', '.join(watches)}, with the profile's limits. When to open, take down and roll "
        "stays the rule's; what a watch has taken off, only its own offer builds back until then."
    )
    uses = ", ".join(options.standing)
    yield (
        (
            f"A standing approval, given anew each day, answers for {uses}"
            if uses
            else "No standing approval is given"
        )
        + (
            "; nobody answers anything else that the bot proposes."
            if options.asleep
            else "; the rest is approved as any ticket."
        )
    )
