"""What one simulated life is like, drawn from its seed: which faults, how often, and what people do."""

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from adapters.simulator.faults import FaultKind, FaultRates
from adapters.simulator.inprocess_faults import INVERSE_FAULTS, LINEAR_FAULTS

XBT = 100_000_000
CENT = 1_000_000

_LASTING = {
    FaultKind.BANNED: (0.5, 6),
    FaultKind.HUNG: (0.5, 8),
    FaultKind.LATE: (0.05, 3),
    FaultKind.GAP: (0.1, 4),
    FaultKind.STALE: (1, 25),
}
_OFTEN = {  # ppm of opportunities at full strength; questions and messages are many, orders few
    FaultKind.BANNED: 4_000,
    FaultKind.HUNG: 6_000,
    FaultKind.RATE_LIMITED: 60_000,
    FaultKind.DROPPED_LINK: 12_000,
    FaultKind.GAP: 20_000,
    FaultKind.STALE: 8_000,
    FaultKind.GATEWAY_RESTART: 60_000,
    FaultKind.FALSE_CANCEL: 50_000,
}
_OF_AN_ORDER = 130_000
_RESTATED = frozenset({FaultKind.CORRECTED, FaultKind.BUST})

MISCHIEF = (
    "crash",
    "cut_inverse",
    "cut_linear",
    "foreign_inverse",
    "foreign_linear",
    "close_linear",
    "halt_inverse",
    "jump_together",
    "jump_apart",
    "deposit",
    "withdrawal",
    "deleverage",
    "slow_disk",
    "stuck_disk",
    "full_disk",
    "thin_book",
    "flatten",
)
"""What happens to the exchanges, the machine and the bot beside the faults of each venue."""


@dataclass(frozen=True, slots=True)
class Setting:
    """``storm``: seconds in which things go wrong. ``wallet``: satoshi at the inverse venue; ``cash``: units of USD at
    the broker. ``mischief``: kinds that may happen, one about ``every`` so many seconds. ``speed``: how much prices
    move at most in a step, ppm. ``attempts``: order ids an approval reserves. ``on_disk``: the ledger lies in a file
    and is verified there."""

    seed: int
    storm: float
    wallet: int
    cash: int
    rates: tuple[FaultRates, FaultRates]
    mischief: tuple[str, ...]
    every: float
    speed: int
    fsync: tuple[float, float]
    attempts: int
    on_disk: bool
    latency: tuple[timedelta, timedelta] = field(
        default=(timedelta(milliseconds=8), timedelta(milliseconds=12))
    )


def setting(seed: int) -> Setting:
    """Draw the setting of a seed. One seed in eight is calm, one in ten keeps its ledger in a file."""
    dice = Random(f"setting:{seed}")
    calm = dice.random() < 0.12
    strength = 0.0 if calm else dice.choice((0.3, 1.0, 1.0, 2.0))
    storm = dice.uniform(30, 120)
    return Setting(
        seed=seed,
        storm=storm,
        wallet=dice.choice((20, 20, 5, 1)) * XBT
        if dice.random() < 0.85
        else dice.randrange(3, 9) * XBT // 100,
        cash=2_000_000 * 100 * CENT if dice.random() < 0.9 else dice.randrange(15, 40) * 1_000 * 100 * CENT,
        rates=(
            _rates(dice, Random(f"restated:{seed}:0"), INVERSE_FAULTS, strength),
            _rates(dice, Random(f"restated:{seed}:1"), LINEAR_FAULTS, strength),
        ),
        mischief=() if calm else tuple(kind for kind in MISCHIEF if dice.random() < 0.35),
        every=dice.choice((6, 12, 25)),
        speed=dice.choice((20, 100, 400)),
        fsync=dice.choice(((0.001, 0.004), (0.001, 0.02), (0.02, 0.3))),
        attempts=dice.choice((20, 20, 9)),
        on_disk=seed % 10 == 0,
    )


def _rates(dice: Random, apart: Random, kinds: frozenset[FaultKind], strength: float) -> FaultRates:
    """Draw rates; those of ``_RESTATED`` from ``apart``, so that without them a seed's life is what it was."""
    rates: dict[FaultKind, int] = {}
    lasts: dict[FaultKind, timedelta] = {}
    for kind in sorted(kinds):
        drawn_by = apart if kind in _RESTATED else dice
        chosen, share = drawn_by.random() < 0.4, drawn_by.uniform(0.3, 1)
        if chosen:
            rates[kind] = min(int(_OFTEN.get(kind, _OF_AN_ORDER) * share * strength), 500_000)
        if kind in _LASTING:
            lasts[kind] = timedelta(seconds=dice.uniform(*_LASTING[kind]))
    return FaultRates(rates, lasts)
