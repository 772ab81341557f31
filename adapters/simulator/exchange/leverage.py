"""Rates of margin at a position's leverage and risk limit, what an isolated position needs, and when it ends.

Inverse venue only. Rates are ppm of value; money is satoshi.
"""

from dataclasses import dataclass

from adapters.simulator.exchange.admission import MAX_PRICE
from adapters.simulator.exchange.contract import ContractSpec
from adapters.simulator.exchange.position import Position
from adapters.simulator.exchange.value import PPM, ceil_div

CROSS = 0
_HUNDREDTHS = 100
_SATOSHI_CENTS = 10**10


@dataclass(frozen=True, slots=True)
class PositionMargin:
    """``init``: cost × rate; ``comm``: the taker fee of closing at bankruptcy; ``total``: both and what was

    transferred; ``least``: maintenance and ``comm``, below which the position is liquidated.
    """

    init: int
    comm: int
    total: int
    least: int


def risk_limit(spec: ContractSpec, position: Position) -> int:
    """Return the limit in force, units; 0 where the contract has none."""
    return max(position.risk_limit, spec.risk_limit)


def whole_limit(spec: ContractSpec, wanted: int) -> int:
    """Return the smallest limit of the contract that is at least ``wanted``."""
    if not spec.risk_limit:
        return 0
    return spec.risk_limit + steps(spec, wanted) * spec.risk_step


def steps(spec: ContractSpec, limit: int) -> int:
    """Return how many steps a limit lies above the base."""
    if not spec.risk_step or limit <= spec.risk_limit:
        return 0
    return ceil_div(limit - spec.risk_limit, spec.risk_step)


def most_steps(spec: ContractSpec) -> int:
    """Return the steps at which the initial margin would reach the whole value."""
    return (PPM - spec.initial_margin_long) // spec.maintenance_margin_long


def initial_rates(spec: ContractSpec, position: Position) -> tuple[int, int]:
    """Return the initial margin rate of a long and of a short: ``max(base + steps × MM, 1 / leverage)``."""
    risen = steps(spec, position.risk_limit)
    at_leverage = ceil_div(PPM * _HUNDREDTHS, position.leverage) if position.leverage else 0
    return (
        max(spec.initial_margin_long + risen * spec.maintenance_margin_long, at_leverage),
        max(spec.initial_margin_short + risen * spec.maintenance_margin_short, at_leverage),
    )


def initial_rate(spec: ContractSpec, position: Position) -> int:
    """Return the rate of the side the position is on."""
    return initial_rates(spec, position)[position.contracts < 0]


def maintenance_rate(spec: ContractSpec, position: Position) -> int:
    base = spec.maintenance_margin_short if position.contracts < 0 else spec.maintenance_margin_long
    return base * (1 + steps(spec, position.risk_limit))


def position_margin(spec: ContractSpec, position: Position) -> PositionMargin:
    """``init = ceil(IM × cost)``, ``comm = ceil(f × (1 + IM) × cost)``, ``least = ceil(MM × cost) + comm``."""
    cost, rate = abs(position.cost), initial_rate(spec, position)
    init = ceil_div(cost * rate, PPM)
    comm = ceil_div(cost * spec.taker_fee * (PPM + rate), PPM * PPM)
    least = ceil_div(cost * maintenance_rate(spec, position), PPM) + comm
    return PositionMargin(init, comm, init + comm + position.transferred, least)


def ruin(position: Position, cushion: int) -> int | None:
    """Return the price (cents, on tick) at which a position has lost ``cushion``; None when flat.

    The value there is rounded per rounding unit and the price to the tick so that it is reached early, never
    late: a long's value down and its price up, a short's the other way round. What no price can lose shows the
    largest price there is.
    """
    spec, held = position.spec, abs(position.contracts)
    if held == 0:
        return None
    long = position.contracts > 0
    worth = abs(position.cost) + (cushion if long else -cushion)
    if worth <= 0:
        return MAX_PRICE
    scaled = worth * spec.rounding_unit
    per_unit = max(1, scaled // held if long else ceil_div(scaled, held))
    dollars = _SATOSHI_CENTS * spec.multiplier * spec.rounding_unit
    ticks = ceil_div(dollars, per_unit * spec.tick) if long else dollars // (per_unit * spec.tick)
    return min(max(ticks, 1) * spec.tick, MAX_PRICE)
