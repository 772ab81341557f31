"""From the profile to what the watches are told."""

from datetime import timedelta
from decimal import Decimal

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
    SettlementLimits,
    StopLimits,
)
from config.automation import (
    CarryWatch,
    ClosureWatch,
    CollateralWatch,
    EdgeWatch,
    ExpiryWatch,
    MarginWatch,
    OrphanWatch,
    SettlementWatch,
    StopsWatch,
)
from config.kinds import weekly
from config.settings import Plan, Settings
from risk.capital import Stress
from risk.closures import Rules
from risk.instruments import InstrumentId


def automation(
    settings: Settings,
    inverse: InstrumentId,
    linear: InstrumentId,
    next_linear: InstrumentId | None = None,
    next_inverse: InstrumentId | None = None,
) -> Automation:
    """Return what the profile lets the bot watch, for the pair it trades."""
    given = settings.automation
    return Automation(
        inverse=inverse,
        linear=linear,
        next_linear=next_linear,
        next_inverse=next_inverse,
        direction=settings.plan.direction,
        target_delta=settings.plan.target_delta_xbt,
        collateral=None if given.collateral is None else _collateral(given.collateral),
        carry=None if given.carry is None else _carry(given.carry),
        edge=None if given.edge is None else _edge(given.edge, settings.plan),
        expiry=None if given.expiry is None else _expiry(given.expiry),
        settlement=None if given.settlement is None else _settlement(given.settlement),
        orphan=None if given.orphan is None else _orphan(given.orphan),
        margin=None if given.margin is None else _margin(given.margin),
        closure=None if given.closure is None else _closure(given.closure),
    )


def _collateral(given: CollateralWatch) -> Collateral:
    return Collateral(
        band=given.band_xbt,
        pause=timedelta(seconds=given.pause_seconds),
        steady=timedelta(seconds=given.steady_seconds),
    )


def _closure(given: ClosureWatch) -> ClosureLimits:
    return ClosureLimits(
        rules=Rules(
            untradable=_hours(given.untradable_hours),
            unfundable=_hours(given.unfundable_hours),
            outages=tuple(map(weekly, given.broker_login)),
            no_wires=tuple(map(weekly, given.no_wires)),
        ),
        stress=Stress(
            inverse_fall=-given.inverse_fall_percent / 100,
            inverse_rise=given.inverse_rise_percent / 100,
            linear_fall=-given.linear_fall_percent / 100,
            linear_rise=given.linear_rise_percent / 100,
            maintenance=given.maintenance_percent / 100,
            broker_rate=given.broker_margin_percent / 100,
        ),
        buffer=given.buffer_percent / 100,
        lead=_hours(given.lead_hours),
        finish=_minutes(given.finish_minutes),
        slice=given.slice_xbt,
        pause=_minutes(given.pause_minutes),
        rebuild_after=None if given.rebuild_minutes is None else _minutes(given.rebuild_minutes),
        rebuild_basis=given.rebuild_basis_percent / 100,
        stops=None if given.stops is None else _stops(given.stops),
    )


def _stops(given: StopsWatch) -> StopLimits:
    return StopLimits(
        rungs=given.rungs,
        margin=given.margin_percent / 100,
        within=given.within_percent / 100,
        off_after=_minutes(given.off_minutes),
    )


def _orphan(given: OrphanWatch) -> OrphanLimits:
    return OrphanLimits(
        band=given.band_xbt,
        steady=timedelta(seconds=given.steady_seconds),
        pause=timedelta(seconds=given.pause_seconds),
    )


def _carry(given: CarryWatch) -> CarryLimits:
    return CarryLimits(
        loss=given.loss_percent / 100,
        horizon=_hours(given.horizon_days * 24),
        commission=given.commission_usd,
        steady=_minutes(given.steady_minutes),
        pause=_minutes(given.pause_minutes),
    )


def _edge(given: EdgeWatch, plan: Plan) -> EdgeLimits:
    return EdgeLimits(
        enter=given.enter_percent / 100,
        leave=None if given.leave_percent is None else given.leave_percent / 100,
        size=plan.size_xbt,
        tranches=plan.tranches,
        commission=given.commission_usd,
        steady=_minutes(given.steady_minutes),
        pause=_minutes(given.pause_minutes),
    )


def _expiry(given: ExpiryWatch) -> ExpiryLimits:
    return ExpiryLimits(
        what=AtExpiry(given.what),
        warn=_hours(given.warn_days * 24),
        lead=_hours(given.lead_hours),
        inverse_window=_minutes(given.inverse_window_minutes),
        linear_window=_minutes(given.linear_window_minutes),
        slices=given.slices,
        pause=_minutes(given.pause_minutes),
    )


def _settlement(given: SettlementWatch) -> SettlementLimits:
    return SettlementLimits(
        apart=given.apart_percent / 100,
        together=given.together_percent / 100,
        near=_hours(given.near_hours),
        converges=_hours(given.converges_hours),
        max_age=timedelta(seconds=given.max_age_seconds),
        steady=timedelta(seconds=given.steady_seconds),
        pause=_minutes(given.pause_minutes),
    )


def _margin(given: MarginWatch) -> MarginLimits:
    return MarginLimits(
        last=given.last_percent / 100,
        top_up=given.top_up_percent / 100,
        aim=given.aim_percent / 100,
        release=given.release_percent / 100,
        broker_rate=given.broker_margin_percent / 100,
        pause=_minutes(given.pause_minutes),
        wire_takes=_hours(given.wire_hours),
        xbt_takes=_hours(given.xbt_hours),
        bills_take=_hours(given.bills_hours),
        sale_takes=_hours(given.sale_hours),
    )


def _hours(number: Decimal) -> timedelta:
    return timedelta(seconds=float(number * 3600))


def _minutes(number: Decimal) -> timedelta:
    return timedelta(seconds=float(number * 60))
