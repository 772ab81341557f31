"""What a simulation starts from. A TOML file may state any part of it; the rest keeps these defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from adapters.simulator.exchange.cme_hours import Hours
from adapters.simulator.exchange.sessions import ALWAYS_OPEN, Sessions
from adapters.simulator.faults import FaultRates
from adapters.simulator.tws.index_service import IndexService


class ScenarioError(Exception):
    """A scenario that cannot be used; ``str(error)`` is one line that says where and why."""


@dataclass(frozen=True, slots=True)
class MarketScenario:
    """Prices. ``index``: starting index, cents. Ratios are ppm; reversion times are seconds.

    ``volatility``: of the index, ppm a year. ``basis``: mean of CME over the index (real median 2017–2021:
    0.87 %), ``basis_deviation`` its long-run standard deviation (real: about 10,000 ppm over years; the default
    is that of a calm day), forgotten over ``basis_reversion``. ``premium_*``: the same of the perpetual over
    the index, mean 0. Depth is contracts per level, drawn between half and one and a half of it; once the index
    has run more than ``thinning`` (ppm) within a minute, depth shrinks in proportion. ``volatility_swing``: how
    volatility itself strays, standard deviation of its logarithm in ppm. ``basis_noise``: standard deviation of
    the basis's quick part, beside the slow one. ``index_apart``: CME's index over the inverse venue's.

    ``gaps``: (time from the start, jump in ppm). ``outages``: (time from the start, length): no quotes.
    ``data``: a recording to play in place of all this, from ``data_from`` on, ``speed`` times as fast (and that
    many times the calendar's own speed).
    """

    index: int = 8_000_000
    volatility: int = 600_000
    basis: int = 9_000
    basis_deviation: int = 1_000
    basis_reversion: int = 3_600
    premium_deviation: int = 100
    premium_reversion: int = 60
    step: timedelta = timedelta(milliseconds=200)
    levels: int = 10
    xbt_depth: int = 40_000
    mbt_depth: int = 4
    btc_depth: int = 1
    thinning: int = 2_000
    volatility_swing: int = 0
    volatility_reversion: int = 86_400
    basis_noise: int = 0
    basis_noise_reversion: int = 1_200
    index_apart: int = 0
    gaps: tuple[tuple[timedelta, int], ...] = ()
    outages: tuple[tuple[timedelta, timedelta], ...] = ()
    data: Path | None = None
    data_from: datetime | None = None
    speed: int = 1


@dataclass(frozen=True, slots=True)
class CalendarScenario:
    """The market's own time: what it is at the start (None: the clock's), and how fast it passes.

    See ``adapters.simulator.calendar`` for what follows it, and what does not.
    """

    starts: datetime | None = None
    speed: int = 1


@dataclass(frozen=True, slots=True)
class InverseScenario:
    """The BitMEX account. ``wallet``: satoshi. ``funding_rate``: ppm per interval, longs pay when positive.

    ``funding_recorded``: rates that take the place of ``funding_rate``, by the time they fall due.
    ``funding_every``: None for the venue's own 04:00, 12:00, 20:00 UTC of the calendar. ``futures``: months of dated
    contracts to list beside the perpetual. ``sheds_load``: when prices run, new orders are
    answered "overloaded". ``clock_ahead``: of the venue's clock; ``may_withdraw``: the key has that right as well.
    ``faults``: what goes wrong at the venue besides, and how often. ``deposits``: (time from the start, satoshi);
    ``deleveraged``: (time from the start, part of the position in ppm), as the venue does it to close another's.
    """

    account: str = "1234567"
    api_key: str = "sim-key"
    api_secret: str = "sim-secret"
    wallet: int = 100_000_000
    funding_rate: int = 100
    funding_every: timedelta | None = None
    funding_recorded: Mapping[datetime, int] = field(default_factory=dict)
    futures: tuple[tuple[int, int], ...] = ()
    latency: timedelta = timedelta(milliseconds=20)
    sheds_load: bool = False
    clock_ahead: timedelta = timedelta(0)
    may_withdraw: bool = False
    deposits: tuple[tuple[timedelta, int], ...] = ()
    deleveraged: tuple[tuple[timedelta, int], ...] = ()
    faults: FaultRates = field(default_factory=FaultRates)


@dataclass(frozen=True, slots=True)
class LinearScenario:
    """The broker's account. ``cash``: units of 1e-8 USD. ``month``: (year, month) of BTC and MBT, or None.

    None lists the first month with two weeks to live. ``months``: if any, MBT of these is all that is listed.
    ``sessions``: the default never closes, so that a
    demonstration runs on any day, CME's own pauses included. ``faults``: what goes wrong at the gateway.

    ``hours``: CME's own take the place of ``sessions``, ALWAYS leaves these. ``price_band``: how far from the mark
    a limit may lie to the taking side, ppm; the default is what TWS's precautions allow, 0 is any. ``indices``: what
    this login gets of CME's reference indices.
    """

    account: str = "DU0000001"
    cash: int = 2_000_000 * 100_000_000
    month: tuple[int, int] | None = None
    months: tuple[tuple[int, int], ...] = ()
    sessions: Sessions = ALWAYS_OPEN
    hours: Hours = Hours.ALWAYS
    price_band: int = 30_000
    indices: IndexService = IndexService.LIVE
    latency: timedelta = timedelta(milliseconds=20)
    clock_ahead: timedelta = timedelta(0)
    faults: FaultRates = field(default_factory=FaultRates)


@dataclass(frozen=True, slots=True)
class Scenario:
    seed: int = 1
    calendar: CalendarScenario = field(default_factory=CalendarScenario)
    market: MarketScenario = field(default_factory=MarketScenario)
    inverse: InverseScenario = field(default_factory=InverseScenario)
    linear: LinearScenario = field(default_factory=LinearScenario)
