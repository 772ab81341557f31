"""The profile of a simulated life, and its calendar: what is watched within which limits, when the linear market
closes, which contract ends. Drawn from the seed, apart from all else."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from adapters.simulator.exchange.catalog import mbt, xbt_future, xbtusd
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.sessions import ALWAYS_OPEN, Session, Sessions
from bot.model.automation import (
    AtExpiry,
    Automation,
    CarryLimits,
    ClosureLimits,
    Collateral,
    EdgeLimits,
    ExpiryLimits,
    MarginLimits,
    OrphanLimits,
    StopLimits,
)
from bot.model.policy import Policy
from risk.capital import Stress
from risk.closures import Rules
from risk.direction import Direction
from risk.instruments import InstrumentId
from risk.standing import StandingLimits
from tests.unit.bot.desk import POLICY, T0

D = Decimal
NAMES = ("bitmex", "cme")
CONTRACTS = (xbtusd(), mbt(2026, 12))
LIFE_POLICY = replace(POLICY, approve_by=timedelta(seconds=40), execute_by=timedelta(seconds=60))
_DAY = timedelta(days=1)
_WIDE = 0.7
"""The share of lives in which more is done than to open and close."""
_PAUSE_ENDS = datetime(2026, 11, 23, 22, 2, tzinfo=UTC)
"""CME's daily pause: from 16:00 to 16:02 in Chicago."""
_SHORTEST = timedelta(seconds=140)
"""A closure is long beyond this; the daily pause is none."""


@dataclass(frozen=True, slots=True)
class Profile:
    """``is_wide``: standing approvals, ladders, exits and the like happen. ``hours``: of the linear venue, which closes
    ``closed`` (seconds from the start). ``ends``: when a contract does, likewise. ``funding``: how often it is paid.
    ``wallet``: satoshi at the inverse venue, where plans take more margin than people like to keep; None: as the
    setting says."""

    policy: Policy = LIFE_POLICY
    specs: tuple[ContractSpec, ContractSpec] = CONTRACTS
    start: datetime = T0
    hours: Sessions = ALWAYS_OPEN
    funding: timedelta = timedelta(seconds=40)
    is_wide: bool = False
    closed: tuple[float, float] | None = None
    ends: float | None = None
    wallet: int | None = None

    @property
    def lasts(self) -> float:
        """Seconds a life must go on at least, for what is announced to happen in it."""
        return max(
            0 if self.closed is None else self.closed[1] + 25, 0 if self.ends is None else self.ends + 5
        )

    @property
    def rest(self) -> float:
        """Seconds more in which all must have come to rest: what expired at the broker must have been gone for four
        minutes before it is believed, counted anew after a restart."""
        return 0 if self.ends is None else 400


def profile(seed: int) -> Profile:
    """Draw the profile of a seed."""
    dice = Random(f"profile:{seed}")
    if dice.random() >= _WIDE:
        return Profile()
    specs, start, hours, closed, ends = CONTRACTS, T0, ALWAYS_OPEN, None, None
    calendar = dice.random()
    if calendar < 0.12:
        specs = dice.choice(((xbt_future(2026, 11), mbt(2026, 12)), (xbtusd(), mbt(2026, 11))))
        ends = dice.uniform(70, 140)
        [at] = [spec.expiry for spec in specs if spec.expiry is not None and spec.expiry < T0 + 7 * _DAY]
        start = at - timedelta(seconds=ends)
    elif calendar < 0.24:
        shut = dice.uniform(40, 90)
        closed, start = (shut, shut + 120), _PAUSE_ENDS - timedelta(seconds=shut + 120)
        hours = _closed(start, closed)
    elif calendar < 0.48:
        shut = dice.uniform(60, 110)
        closed = (shut, shut + dice.uniform(150, 200))
        hours = _closed(start, closed)
    inverse, linear = (InstrumentId(name, spec.symbol) for name, spec in zip(NAMES, specs, strict=True))
    automation = _automation(dice, inverse, linear, closes=closed is not None, ends=ends is not None)
    return Profile(
        policy=replace(
            LIFE_POLICY,
            automation=automation if dice.random() < 0.8 else None,
            standing=StandingLimits(timedelta(days=31), D(40), D(60), D("0.5")),
            close_margin=timedelta(seconds=dice.choice((5, 20))),
            hedge_deadline=timedelta(seconds=dice.choice((5, 15, 30))),
            exit_confirm=timedelta(seconds=dice.choice((1, 5, 10))),
        ),
        specs=specs,
        start=start,
        hours=hours,
        funding=timedelta(seconds=dice.choice((40, 40, 80))),
        is_wide=True,
        closed=closed,
        ends=ends,
        wallet=_wallet(seed, closes=closed is not None),
    )


def _wallet(seed: int, *, closes: bool) -> int | None:
    dice = Random(f"wallet:{seed}")
    if dice.random() >= (0.7 if closes else 0.35):
        return None
    return dice.choice((8, 15, 30, 60)) * 1_000_000


def _closed(start: datetime, closed: tuple[float, float]) -> Sessions:
    shut, opens = (start + timedelta(seconds=each) for each in closed)
    return Sessions.of((Session(start - _DAY, shut), Session(opens, start + 9 * _DAY)))


def _automation(
    dice: Random, inverse: InstrumentId, linear: InstrumentId, *, closes: bool, ends: bool
) -> Automation:
    """Draw which watches are on, and their limits; such as a person would give, in the short time of a life."""

    def on(chance: float = 0.7) -> bool:
        return dice.random() < chance

    band = D(dice.choice(("0.06", "0.1", "0.3")))
    pause = timedelta(seconds=dice.choice((10, 30)))
    steady = timedelta(seconds=dice.choice((2, 5)))
    last = D(dice.choice(("0.02", "0.05", "0.1")))
    rate = D(dice.choice(("0.3", "0.6", "1")))
    margin = MarginLimits(
        last=last,
        top_up=last * D("1.6"),
        aim=last * 2,
        release=last * D(dice.choice(("4", "8"))),
        broker_rate=rate,
        pause=pause * 2,
        wire_takes=timedelta(hours=24),
        xbt_takes=timedelta(hours=1),
    )
    move = D(dice.choice(("0.1", "0.19")))
    closure = ClosureLimits(
        rules=Rules(_SHORTEST, _DAY),
        stress=Stress(-move, move, -move, move, D("0.005"), rate),
        buffer=D("0.1"),
        lead=timedelta(seconds=dice.choice((40, 60))),
        finish=timedelta(seconds=dice.choice((8, 15))),
        slice=D(dice.choice(("0.5", "1"))),
        pause=pause,
        rebuild_after=timedelta(seconds=dice.choice((5, 15))) if on() else None,
        rebuild_basis=D(dice.choice(("0", "0.003"))),
        stops=StopLimits(3, D("0.02"), D("0.9"), timedelta(seconds=5)) if on(0.5) else None,
    )
    enter = D(dice.choice(("0.001", "0.004")))
    edge = EdgeLimits(
        enter=enter,
        leave=dice.choice((None, D("-0.002"), D("0.0005"))),
        size=D(dice.choice(("0.3", "1"))),
        tranches=dice.choice((1, 2)),
        commission=D("2.37"),
        steady=steady,
        pause=pause,
    )
    carry = CarryLimits(
        loss=D(dice.choice(("0.0005", "0.01"))),
        horizon=timedelta(days=dice.choice((1, 30))),
        commission=D("2.37"),
        steady=steady,
        pause=pause,
    )
    expiry = ExpiryLimits(
        what=dice.choice((AtExpiry.CLOSE, AtExpiry.SETTLE)),
        warn=10 * _DAY,
        lead=timedelta(seconds=dice.choice((20, 40))),
        inverse_window=timedelta(seconds=30),
        linear_window=timedelta(seconds=40),
        slices=dice.choice((1, 3)),
        pause=pause,
    )
    return Automation(
        inverse,
        linear,
        dice.choice(list(Direction)),
        collateral=Collateral(band, pause, steady) if on(0.85) else None,
        closure=closure if closes and on(0.9) else None,
        margin=margin if on() else None,
        orphan=OrphanLimits(band, steady, pause) if on() else None,
        carry=carry if on(0.35) else None,
        edge=edge if on(0.35) else None,
        expiry=expiry if ends and on(0.9) else None,
    )
