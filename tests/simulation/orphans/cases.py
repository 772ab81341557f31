"""What befalls a spread while nobody looks, drawn from a seed: orphans of every kind, money, and what only looks so."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random

from adapters.simulator.exchange.catalog import mbt, xbt_future, xbtusd
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.sessions import ALWAYS_OPEN, Session, Sessions
from adapters.simulator.faults import FaultKind, FaultRates
from risk.direction import Direction
from tests.simulation.whole.setting import CENT, XBT, Setting, setting
from tests.unit.bot.desk import T0

_DAY = timedelta(days=1)


class Kind(StrEnum):
    LIQUIDATED = "inverse leg liquidated"
    SHRUNK = "inverse leg liquidated in part"
    DELEVERAGED = "inverse leg deleveraged"
    BROKER = "broker liquidates"
    HAND_INVERSE = "inverse trade by hand"
    HAND_LINEAR = "linear trade by hand"
    SETTLED_INVERSE = "inverse leg settled"
    SETTLED_LINEAR = "linear leg settled"
    TRANSFERRED = "linear leg transferred away"
    BUST = "execution taken back"
    CORRECTED = "execution corrected"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    LATE_POSITION = "decoy: late position"
    NO_POSITIONS = "decoy: empty answer"
    MISMATCH = "decoy: wrong position"
    ROWS = "decoy: rows twice, out of order"
    UNDER_WAY = "decoy: orders under way"
    DUST = "decoy: deposit in the band"

    @property
    def is_decoy(self) -> bool:
        return self.value.startswith("decoy")

    @property
    def is_orphan(self) -> bool:
        others = (Kind.BUST, Kind.CORRECTED, Kind.DEPOSIT, Kind.WITHDRAWAL)
        return not self.is_decoy and self not in others

    @property
    def by_hand(self) -> bool:
        return self in (*_BY_TRADE, Kind.TRANSFERRED)


_BY_TRADE = (Kind.HAND_INVERSE, Kind.HAND_LINEAR)
_MAY_COME_EARLY = (Kind.DELEVERAGED, *_BY_TRADE)
_NEEDS_MARKET = (Kind.HAND_LINEAR, Kind.TRANSFERRED)
"""What happens at the linear market happens while it trades."""
_MESSAGES = (
    FaultKind.DROPPED_LINK,
    FaultKind.DUPLICATE,
    FaultKind.LATE,
    FaultKind.REORDERED,
    FaultKind.GAP,
)
_ORDERS = (FaultKind.REFUSED, FaultKind.LOST, FaultKind.UNANSWERED, FaultKind.DELAYED)


@dataclass(frozen=True, slots=True)
class Cut:
    """A link that is down: from ``at`` (seconds from the strike) for ``seconds``."""

    side: int
    at: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Case:
    """``tenths``: XBT of the spread, in tenths. ``at``: seconds from the start to the strike, which waits until the
    spread is open; ``early``: it comes while it opens. ``part``: of the leg; below 0: it is added to. ``crash``: when
    the bot dies, from the strike; ``crash_at_work``: from the first order of the answer. ``wakes``: after how long a
    person looks at a trade by hand. ``reads``: after how long a person answers a ticket; None: a standing approval
    does. ``lasts``: how long a decoy does. ``hours``: of the linear market, of which ``closes`` is the first close, in
    seconds from the start.
    """

    seed: int
    kind: Kind
    direction: Direction
    tenths: int
    at: float
    early: bool
    part: float
    cuts: tuple[Cut, ...]
    crash: float | None
    crash_at_work: float | None
    wakes: float
    reads: float | None
    lasts: float
    start: datetime
    closes: float | None
    hours: Sessions
    specs: tuple[ContractSpec, ContractSpec]
    setting: Setting


def case(seed: int) -> Case:
    """Draw what happens in the life of a seed; the kinds take turns."""
    dice = Random(f"orphan:{seed}")
    kind = list(Kind)[seed % len(Kind)]
    direction = dice.choice(list(Direction))
    tenths = dice.randint(8, 30)
    specs = (xbtusd(), mbt(2026, 12))
    if kind is Kind.SHRUNK:
        specs = (replace(xbtusd(), risk_limit=XBT // 2, risk_step=XBT // 4), mbt(2026, 12))
    start, closes = T0, None
    if kind is Kind.SETTLED_INVERSE:
        specs = (xbt_future(2026, 11), mbt(2026, 12))
    elif kind is Kind.SETTLED_LINEAR:
        specs = (xbtusd(), mbt(2026, 11))
    ends = next((spec.expiry for spec in specs if spec.expiry and spec.expiry - T0 < 7 * _DAY), None)
    if ends is not None:
        start = ends - timedelta(seconds=dice.uniform(150, 260))
    elif dice.random() < 0.25 and kind is not Kind.UNDER_WAY:
        closes = dice.uniform(170, 240)
    hours = ALWAYS_OPEN if closes is None else _closed(start, closes, dice.choice((30, 120, 300)))
    return Case(
        seed,
        kind,
        direction,
        tenths,
        at=_strikes(dice, kind, closes),
        early=kind is Kind.UNDER_WAY or (kind in _MAY_COME_EARLY and closes is None and dice.random() < 0.3),
        part=dice.choice((0.1, 0.3, 0.5, 0.8, 1, 1, *((-0.2, -0.5) if kind in _BY_TRADE else ()))),
        cuts=tuple(
            Cut(dice.randrange(2), dice.uniform(-20, 30), dice.choice((0.3, 3, 15, 40)))
            for _ in range(dice.choice((0, 0, 1, 2)))
        ),
        crash=dice.uniform(-5, 20) if dice.random() < 0.2 else None,
        crash_at_work=dice.choice((0.01, 0.1, 0.3, 2)) if dice.random() < 0.2 else None,
        wakes=dice.uniform(10, 60),
        reads=dice.uniform(3, 30) if dice.random() < 0.25 else None,
        lasts=dice.choice((2, 8, 20, 60)),
        start=start,
        closes=closes,
        hours=hours,
        specs=specs,
        setting=_setting(seed, dice, kind, direction, tenths),
    )


def _strikes(dice: Random, kind: Kind, closes: float | None) -> float:
    """Return when it happens: soon after the opening, or around the linear market's close."""
    if closes is None:
        return dice.uniform(25, 90)
    return closes + dice.uniform(-90, -1 if kind in _NEEDS_MARKET else 25)


def _closed(start: datetime, closes: float, seconds: float) -> Sessions:
    shut = start + timedelta(seconds=closes)
    spans = ((start - _DAY, shut), (shut + timedelta(seconds=seconds), start + 9 * _DAY))
    return Sessions.of(Session(*span) for span in spans)


def _setting(seed: int, dice: Random, kind: Kind, direction: Direction, tenths: int) -> Setting:
    """As a simulated life's, but for its faults and its money: what the kind needs, in whole tenths of an XBT."""
    wallet = max(tenths // 4, 3) if kind in (Kind.LIQUIDATED, Kind.SHRUNK) else dice.choice((5, 10, 20))
    cash = 2_000_000
    if kind is Kind.BROKER:
        # A fifth more than what is asked for at 80,700: all of a short's value, half of a long's.
        held = tenths + wallet if direction is Direction.LONG_INVERSE else tenths / 2
        cash = int(held * 8_070 * 1.2)
    rates: tuple[FaultRates, FaultRates] = (FaultRates(), FaultRates())
    strength = dice.choice((0, 0, 1, 2))
    if strength:
        kinds = [*_MESSAGES, *(_ORDERS if dice.random() < 0.5 else ())]
        rates = (_rates(dice, kinds, strength), _rates(dice, kinds, strength))
    return replace(
        setting(seed),
        storm=0.0,
        wallet=wallet * XBT // 10,
        cash=cash * 100 * CENT,
        rates=rates,
        mischief=(),
        speed=dice.choice((20, 60)),
        on_disk=seed % 10 == 0,
    )


def _rates(dice: Random, kinds: list[FaultKind], strength: int) -> FaultRates:
    return FaultRates(
        {kind: dice.randint(5_000, 60_000) * strength for kind in kinds},
        {
            FaultKind.LATE: timedelta(seconds=dice.uniform(0.05, 3)),
            FaultKind.GAP: timedelta(seconds=dice.uniform(0.1, 4)),
        },
    )
