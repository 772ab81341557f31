"""The nights ``basisbot demo --scenario NAME`` knows: what happens in each while everybody sleeps, and what the watches
must have done about it by the morning."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from bot.model.plans import Cause

_LEAD = timedelta(seconds=60)
WATCHES: Mapping[str, object] = {
    "automation.collateral": {"band_xbt": "0.1", "steady_seconds": 2, "pause_seconds": 5},
    "automation.orphan": {"band_xbt": "0.1", "steady_seconds": 2, "pause_seconds": 5},
    "automation.closure": {
        "untradable_hours": "0.01",
        "inverse_fall_percent": 25,
        "inverse_rise_percent": 30,
        "linear_fall_percent": "15.5",
        "linear_rise_percent": "15.5",
        "broker_margin_percent": 60,
        "maintenance_percent": "0.5",
        "buffer_percent": 10,
        "lead_hours": str(Decimal(_LEAD // timedelta(seconds=1)) / 3600),
        "finish_minutes": "0.25",
        "slice_xbt": 1,
        "pause_minutes": "0.1",
        "rebuild_minutes": "0.15",
        # Whichever way the simulated market's basis lies: what is shown is that it is built back.
        "rebuild_basis_percent": -10,
        "stops": {"rungs": 3, "margin_percent": 1, "within_percent": 50, "off_minutes": "0.1"},
    },
    "limits.close_margin_seconds": 5,
    "limits.opening_margin_minutes": 0,
    "limits.standing_daily_xbt": 100,
    "limits.standing_total_xbt": 100,
}
"""What takes the profile's place at night. Minutes stand for it: the watches wait for seconds."""
# Of the wallet, for each XBT of spread: so little that a part of the spread does not survive the closure's excursion.
_THIN = Decimal("0.25")
_AMPLE = Decimal("0.1")
_CLOSED = timedelta(minutes=1)
# A spread is open by then, on a slow machine too.
_OPENED = timedelta(seconds=50)
ANSWERED = timedelta(seconds=45)
"""What happens has been answered by then."""
_PART = Decimal("0.4")
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Scene:
    """``what`` happens, for people. ``closes``: the linear market does, for a minute; ``deposits``: collateral arrives,
    during the closure if there is one; ``orphans``: after everything else, a part of the inverse leg is taken away.
    ``causes``: what the watches must have proposed, and got done."""

    what: str
    closes: bool
    deposits: bool
    orphans: bool
    causes: tuple[Cause, ...]


@dataclass(frozen=True, slots=True)
class Night:
    """A scene by the clock. ``inverse``, ``linear``: lines of the simulators' tables of these names; ``wallet``: XBT at
    the inverse venue at the start; ``lasts``: seconds from the start until all of it is answered."""

    inverse: str
    linear: str
    wallet: Decimal
    lasts: float


_SMALL = (Cause.CLOSURE, Cause.STOPS, Cause.REBUILD)
NIGHT = "night"
SCENES: Mapping[str, Scene] = {
    "closure": Scene(
        "CME closes: small before it, stops while it lasts, built back after",
        closes=True,
        deposits=False,
        orphans=False,
        causes=_SMALL,
    ),
    "deposit": Scene(
        "collateral arrives, and is hedged",
        closes=False,
        deposits=True,
        orphans=False,
        causes=(Cause.COLLATERAL,),
    ),
    "orphan": Scene(
        "a part of the inverse leg is taken away, and answered",
        closes=False,
        deposits=False,
        orphans=True,
        causes=(Cause.ORPHAN,),
    ),
    NIGHT: Scene(
        "all three in one night, the collateral while CME is closed",
        closes=True,
        deposits=True,
        orphans=True,
        causes=(*_SMALL, Cause.COLLATERAL, Cause.ORPHAN),
    ),
}


def schedule(scene: Scene, size: Decimal, now: datetime) -> Night:
    """Return a scene by the clock, for a spread of ``size`` XBT and simulators that start ``now``. The broker's hours
    know no seconds."""
    inverse, linear = [], []
    last = now + _OPENED
    deposited = last
    if scene.closes:
        # The lead begins when the spread is open.
        closes = (last + _LEAD).replace(second=0, microsecond=0) + timedelta(minutes=1)
        opens = closes + _CLOSED
        sessions = [(now - timedelta(days=1), closes), (opens, opens + timedelta(days=6))]
        linear.append(
            f"sessions = [{', '.join(f'[{begin:%FT%TZ}, {end:%FT%TZ}]' for begin, end in sessions)}]"
        )
        deposited, last = closes + _CLOSED / 4, opens + ANSWERED
    if scene.deposits:
        amount = max(size / 6, Decimal("0.25")).quantize(_CENT)
        inverse.append(f"deposits = [[{_seconds(deposited - now)}, {amount}]]")
        last = max(last, deposited + ANSWERED)
    if scene.orphans:
        inverse.append(f"deleveraged = [[{_seconds(last - now)}, {_PART}]]")
        last += ANSWERED
    wallet = size * _THIN if scene.closes else max(Decimal(1), size * _AMPLE)
    return Night("\n".join(inverse), "\n".join(linear), wallet, _seconds(last - now))


def _seconds(span: timedelta) -> int:
    return round(span.total_seconds())
