"""What the bot is to watch by itself: the profile's table ``[automation]``. A part that is left out is switched off."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from config.kinds import Count, Number, Percent, Positive, Seconds, Section, Text, WeeklyWindow


class CollateralWatch(Section):
    """``band_xbt``: how far Δ may be from its target. ``steady_seconds``: for how long before a hedge is proposed;
    ``pause_seconds``: between two proposals."""

    band_xbt: Positive
    steady_seconds: Seconds
    pause_seconds: Seconds


class StopsWatch(Section):
    """A ladder of stops at the inverse venue over a closure of the linear market: at most ``rungs`` of them, from
    where the configured excursion ends to ``margin_percent`` before the liquidation. Where that is further from the
    price than ``within_percent``, nothing rests: the collateral is enough. ``off_minutes``: both books quoted for so
    long after the open, and they are taken off."""

    rungs: Annotated[Count, Field(le=10)]
    margin_percent: Percent
    within_percent: Percent
    off_minutes: Positive


class ClosureWatch(Section):
    """How small the spread is made before a long closure of the linear market, or of the ways to fund it.

    A closure is long beyond ``untradable_hours``, or ``unfundable_hours`` where only money cannot move.
    ``broker_login`` and ``no_wires``: weekly windows. The four moves are what must be survived while it lasts: the
    worst excursion at the inverse venue, the gap at the linear one's open. ``broker_margin_percent``: the broker's
    margin after a rise of it. These five may be quantiles of recorded closures (``config.history``).
    ``rebuild_minutes`` left out: it is never offered to build back; ``stops`` left out: none rest.
    """

    untradable_hours: Positive = Decimal(12)
    unfundable_hours: Positive = Decimal(24)
    broker_login: tuple[WeeklyWindow, ...] = ()
    no_wires: tuple[WeeklyWindow, ...] = ()
    inverse_fall_percent: Percent
    inverse_rise_percent: Positive
    linear_fall_percent: Percent
    linear_rise_percent: Positive
    broker_margin_percent: Positive
    maintenance_percent: Percent
    buffer_percent: Positive
    lead_hours: Positive
    finish_minutes: Positive
    slice_xbt: Positive
    pause_minutes: Positive
    rebuild_minutes: Positive | None = None
    rebuild_basis_percent: Number = Decimal(0)
    stops: StopsWatch | None = None


class MarginWatch(Section):
    """How near an account may come to liquidation, in per cent of the price, before money is asked for, and back.

    ``broker_margin_percent``: the least the broker is taken to ask for; what it says it asks counts if it is more.
    How long money takes: ``wire_hours``, ``xbt_hours`` (a deposit at the inverse venue), ``bills_hours`` (T-bills at
    the broker sold for USD), ``sale_hours`` (XBT sold for USD, before the wire).
    """

    last_percent: Percent
    top_up_percent: Percent
    aim_percent: Percent
    release_percent: Positive
    broker_margin_percent: Positive
    pause_minutes: Positive
    wire_hours: Positive
    xbt_hours: Positive
    bills_hours: Positive = Decimal(24)
    sale_hours: Positive = Decimal(4)


class OrphanWatch(Section):
    """A leg whose partner shrank or vanished without an order of ours: ``band_xbt`` of Δ it must be worth,
    ``steady_seconds`` it must have been so, ``pause_seconds`` between two proposals."""

    band_xbt: Positive
    steady_seconds: Seconds
    pause_seconds: Seconds


class CarryWatch(Section):
    """When holding no longer pays: ``loss_percent`` of price it may be expected to cost until the linear contract ends,
    or over ``horizon_days`` at most, with funding at the rate announced, then at the
    median of the latest."""

    loss_percent: Percent
    horizon_days: Positive
    commission_usd: Number
    steady_minutes: Positive
    pause_minutes: Positive


class EdgeWatch(Section):
    """When the basis is worth an entry, after all costs in and out, or an exit (left out: none is proposed), in per
    cent of price. An entry is as large as the profile's plan."""

    enter_percent: Percent
    leave_percent: Number | None = None
    commission_usd: Number
    steady_minutes: Positive
    pause_minutes: Positive


class ExpiryWatch(Section):
    """What becomes of a spread whose contract ends: "close" takes it down ``lead_hours`` before, "roll" takes the
    leg that ends into ``linear.next_contract`` (or ``inverse.next_symbol``) so long before, in ``slices``, "settle"
    holds the contract to its settlement and takes the other leg off in ``slices`` while the price is averaged. What
    hedges the collateral goes into the next month in any case, where there is one."""

    what: Literal["close", "roll", "settle"]
    warn_days: Positive
    lead_hours: Positive
    inverse_window_minutes: Positive
    linear_window_minutes: Positive
    slices: Annotated[Count, Field(le=60)]
    pause_minutes: Positive


class SettlementWatch(Section):
    """Both venues' reference indices beside the contracts, and how far they may be apart, in per cent, within
    ``near_hours`` of the first end of what is held.

    ``inverse_*``: symbols of the inverse venue; ``linear_*``: of CME's at the broker (type IND). ``*_index``: the price
    of the moment, which is what is compared; ``*_average``: what dated contracts settle on, shown beside. In a
    contract's last ``converges_hours`` its own price stands in for an index that cannot be had.
    """

    inverse_index: Text
    inverse_average: Text | None = None
    linear_index: Text
    linear_average: Text | None = None
    apart_percent: Percent
    together_percent: Percent
    near_hours: Positive
    converges_hours: Positive
    max_age_seconds: Seconds
    steady_seconds: Seconds
    pause_minutes: Positive


class Automation(Section):
    """What the bot watches by itself. A part that is left out is switched off."""

    collateral: CollateralWatch | None = None
    closure: ClosureWatch | None = None
    margin: MarginWatch | None = None
    orphan: OrphanWatch | None = None
    carry: CarryWatch | None = None
    edge: EdgeWatch | None = None
    expiry: ExpiryWatch | None = None
    settlement: SettlementWatch | None = None
