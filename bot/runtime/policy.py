"""From the profile to the policy the decisions work within."""

from datetime import timedelta

from bot.model import escalation
from bot.model.automation import Automation
from bot.model.legging import Legging, Style
from bot.model.policy import Policy
from config.settings import Limits, Plan, Rung
from risk.standing import DAY, StandingLimits
from risk.terms import Kind


def policy(limits: Limits, automation: Automation | None = None) -> Policy:
    return Policy(
        max_unattended_delta=limits.max_unattended_delta_xbt,
        max_quote_age=timedelta(seconds=limits.max_quote_age_seconds),
        max_quiet_move=limits.max_quiet_move_percent / 100,
        max_apart=limits.max_apart_percent / 100,
        close_margin=timedelta(seconds=limits.close_margin_seconds),
        price_band=limits.price_band_percent / 100,
        pay_up=tuple(step / 100 for step in limits.pay_up_percent),
        rungs=tuple(_rung(given) for given in limits.pay_up),
        hard_band=limits.hard_band_percent / 100,
        hedge_rests=timedelta(milliseconds=limits.hedge_rests_milliseconds),
        basis_slack=limits.basis_slack_percent / 100,
        slop_ticks=limits.slop_ticks,
        inverse_slop_ticks=limits.inverse_slop_ticks,
        clip_pause=timedelta(seconds=limits.clip_pause_seconds),
        approve_by=timedelta(seconds=limits.approve_by_seconds),
        execute_by=timedelta(seconds=limits.execute_by_seconds),
        reserved_attempts=limits.reserved_attempts,
        unhedged_limit=timedelta(seconds=limits.unhedged_seconds),
        ask_every=timedelta(seconds=limits.ask_every_seconds),
        exit_confirm=timedelta(seconds=limits.exit_confirm_seconds),
        exit_quotes=limits.exit_quotes,
        opening_margin=timedelta(minutes=float(limits.opening_margin_minutes)),
        settlement_margin=timedelta(hours=float(limits.settlement_margin_hours)),
        reserve=limits.capital_reserve_percent / 100,
        reserve_xbt=limits.capital_reserve_xbt,
        reserve_usd=limits.capital_reserve_usd,
        max_plan_xbt=limits.max_plan_xbt,
        max_inverse_margin=limits.max_inverse_margin_percent / 100,
        max_linear_margin=limits.max_linear_margin_percent / 100,
        refuse_unknown_margin=limits.refuse_unknown_margin,
        max_order_notional=limits.max_order_notional_usd,
        max_delta_after=limits.max_delta_after_xbt,
        max_open_orders=limits.max_open_orders,
        funding_margin=timedelta(seconds=limits.funding_margin_seconds),
        max_clock_skew=timedelta(seconds=limits.max_clock_skew_seconds),
        rate_reserve=limits.rate_reserve_percent / 100,
        what_if_wait=timedelta(seconds=limits.what_if_seconds),
        automation=automation,
        standing=StandingLimits(
            longest=limits.standing_days * DAY,
            daily_xbt=limits.standing_daily_xbt,
            total_xbt=limits.standing_total_xbt,
            price_band=limits.standing_price_band_percent / 100,
        ),
        hedge_deadline=timedelta(seconds=limits.hedge_deadline_seconds),
        rest=timedelta(seconds=limits.rest_seconds),
        switch_after=timedelta(seconds=limits.switch_seconds),
    )


def _rung(given: Rung) -> escalation.Rung:
    fraction = None if given.percent is None else given.percent / 100
    return escalation.Rung(fraction, given.ticks, timedelta(seconds=float(given.after_seconds)))


def legging(plan: Plan) -> Legging:
    """Return how the profile's plans are worked."""
    return Legging(
        Kind(plan.working),
        Style(plan.style),
        None,
        plan.reprices_per_minute,
        plan.min_lean_xbt,
        plan.depth_multiple,
    )
