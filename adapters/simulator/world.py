"""A whole simulation: two venues on one market, built from a scenario."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from adapters.clock import Clock
from adapters.simulator.calendar import Calendar
from adapters.simulator.exchange.catalog import btc, front_month, mbt, xbt_future, xbtusd
from adapters.simulator.exchange.cme_hours import Hours, sessions
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.funding import FundingSchedule
from adapters.simulator.exchange.rules import INVERSE_RULES, LINEAR_RULES
from adapters.simulator.happenings import Happenings
from adapters.simulator.market.generated import GeneratedMarket
from adapters.simulator.market.recorded import RecordedMarket
from adapters.simulator.market.update import Market
from adapters.simulator.scenario import MarketScenario, Scenario, ScenarioError

DAYS_BEFORE = timedelta(days=7)
SESSION_DAYS = 400

Source = Callable[[MarketScenario, Iterable[ContractSpec], int, datetime], Market]
"""Makes a market of the contracts: scenario, contracts, seed, the market's time at the start."""


class World:
    """``step`` moves the market to the clock's time and lets both venues answer it."""

    def __init__(
        self,
        scenario: Scenario,
        clock: Clock,
        calendar: Calendar,
        inverse: Exchange,
        linear: Exchange,
        market: Market,
    ):
        self.scenario = scenario
        self.clock = clock
        self.calendar = calendar
        self.inverse = inverse
        self.linear = linear
        self._market = market
        self._happenings = Happenings(scenario.inverse, inverse, inverse.specs()[0].symbol)
        self._venue_of: Mapping[str, Exchange] = {
            spec.symbol: venue for venue in (inverse, linear) for spec in venue.specs()
        }

    def step(self) -> None:
        for update in self._market.step(self.calendar.at(self.clock.now())):
            self._venue_of[update.symbol].set_market(update.symbol, update.index, update.bids, update.asks)
        self.inverse.step()
        self.linear.step()
        self._happenings.step(self.calendar.at(self.clock.now()) - self.calendar.starts)

    def gap(self, move: int) -> None:
        """Let every price jump by ``move`` ppm, now. Raises ScenarioError where prices are recorded."""
        self._market.gap(move)
        self.step()

    async def run(self) -> None:
        """Step for ever, at the scenario's pace. End it by cancelling the task."""
        while True:
            await asyncio.sleep(self.scenario.market.step.total_seconds())
            self.step()


def build(scenario: Scenario, clock: Clock, source: Source | None = None) -> World:
    """Build both venues with their accounts funded, and step the market once. ``source``: None for the scenario's own.

    Raises ScenarioError if a contract it names has expired, or a recording cannot be read.
    """
    now = clock.now()
    calendar = Calendar(now, scenario.calendar.starts or now, scenario.calendar.speed)
    year, month = scenario.linear.month or front_month(now)
    every = scenario.inverse.funding_every
    funding = calendar.funding(FundingSchedule(scenario.inverse.funding_rate))
    if scenario.inverse.funding_recorded:
        funding = replace(funding, recorded=scenario.inverse.funding_recorded)
    if every is not None:
        funding = FundingSchedule(scenario.inverse.funding_rate, every, timedelta(0))
    inverse = Exchange(
        "bitmex",
        [xbtusd(), *(xbt_future(*future) for future in scenario.inverse.futures)],
        INVERSE_RULES,
        clock,
        seed=scenario.seed,
        funding=funding,
    )
    hours = scenario.linear.sessions
    if scenario.linear.hours is not Hours.ALWAYS:
        hours = sessions(scenario.linear.hours, (calendar.starts - DAYS_BEFORE).date(), SESSION_DAYS)
    hours = calendar.sessions(hours)
    listed = [mbt(*one) for one in scenario.linear.months] or [mbt(year, month), btc(year, month)]
    specs = [replace(spec, price_band=scenario.linear.price_band) for spec in listed]
    linear = Exchange("cme", specs, replace(LINEAR_RULES, sessions=hours), clock, seed=scenario.seed)
    for spec in (*inverse.specs(), *linear.specs()):
        if spec.expiry is not None and spec.expiry <= now:
            raise ScenarioError(f"{spec.symbol} expired at {spec.expiry:%F %R}Z")
    for venue, account, amount in (
        (inverse, scenario.inverse.account, scenario.inverse.wallet),
        (linear, scenario.linear.account, scenario.linear.cash),
    ):
        venue.open_account(account)
        if amount:
            venue.deposit(account, amount)
    source = source or (GeneratedMarket if scenario.market.data is None else RecordedMarket)
    market = source(scenario.market, [*inverse.specs(), *linear.specs()], scenario.seed, calendar.starts)
    world = World(scenario, clock, calendar, inverse, linear, market)
    world.step()
    return world
