"""What a replay is asked to play, and by which rules somebody stands in for the person."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from adapters.simulator.market.interpolated import Spreads
from bot.runtime.replay.shock import Shock
from risk.direction import Direction
from risk.standing import Use

_XBT = 10**8


class Weekends(StrEnum):
    """KEEP the spread over CME's long closures, or CLOSE it before and open it again after."""

    KEEP = "keep"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A basis: USD per XBT, or per cent of the inverse price."""

    number: Decimal
    in_percent: bool = False

    def usd(self, price: Decimal) -> Decimal:
        return self.number * price / 100 if self.in_percent else self.number

    def __str__(self) -> str:
        return f"{self.number} %" if self.in_percent else f"{self.number} USD per XBT"


@dataclass(frozen=True, slots=True)
class Options:
    """``open_at``, ``close_at``: the basis a spread is opened and taken down at; None for both: held from the first
    to the last moment, rolls and weekends apart. ``size``: XBT a plan. ``collateral``: whether the inverse wallet is
    hedged. ``wallet`` and ``cash``: units of 1e-8 XBT and USD at the start; nothing is added later. ``basis``: ppm
    over the perpetual that CME trades at where none is recorded. ``keep``: a price move this near to a liquidation
    is where more collateral would have been asked for. ``seed``: of the books' depth. ``shock``: what every weekend
    does, in the place of the recorded one.

    With the bot's automation: ``standing``: what standing approvals are given for, anew each day. ``asleep``: but for
    those, nobody answers what the bot proposes by itself. ``sends``: what it asks for is brought, and arrives after the
    profile's lead times."""

    direction: Direction = Direction.LONG_INVERSE
    size: Decimal = Decimal(3)
    tranches: int = 3
    collateral: bool = True
    open_at: Threshold | None = None
    close_at: Threshold | None = None
    weekends: Weekends = Weekends.KEEP
    approve_after: timedelta = timedelta(seconds=60)
    wallet: int = 2 * _XBT
    cash: int = 200_000 * _XBT
    begins: datetime | None = None
    ends: datetime | None = None
    basis: int = 5_000
    spreads: Spreads = field(default_factory=Spreads)
    keep: Decimal = Decimal("0.2")
    seed: int = 1
    standing: tuple[Use, ...] = ()
    asleep: bool = False
    sends: bool = False
    shock: Shock | None = None

    def __post_init__(self) -> None:
        if (self.open_at is None) is not (self.close_at is None):
            raise ValueError("a basis to open at needs one to close at, and the other way round")
        if self.approve_after < timedelta(0):
            raise ValueError("nobody approves before he is asked")
        if self.begins is not None and self.ends is not None and self.begins >= self.ends:
            raise ValueError(f"it would end ({self.ends:%F %R}Z) before it begins ({self.begins:%F %R}Z)")
