"""``basisbot demo --unattended``: everybody sleeps. A standing approval, given at the start, answers every ticket,
whatever the night brings (``bot.runtime.scenes``)."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from bot.engine import Engine
from bot.model.inputs import GrantStanding
from bot.model.plans import Cause, PlanStatus
from bot.orders.state import PlanState
from bot.runtime.daemon import Bot
from config.settings import Settings
from risk.approval import Denied
from risk.standing import StandingApproval, Use, scopes_for

_USES = (Use.OPEN, Use.CLOSE, Use.REDUCE, Use.COLLATERAL, Use.ORPHAN)
# Wide enough for stops that lie beyond the closure's excursion.
_BAND = Decimal("0.39")


async def allow(bot: Bot, settings: Settings, now: datetime) -> Denied | None:
    """Give the standing approval everything goes under; return why it cannot be given."""
    inverse, linear = bot.venues.inverse_id, bot.venues.linear_id
    direction, limits = settings.plan.direction, settings.limits
    mids = [bot.engine.market.last_mids[key] for key in (inverse, linear)]
    scopes = scopes_for(_USES, direction, inverse, linear, either_venue=True)
    standing = StandingApproval(
        standing_id="asleep",
        scopes=scopes,
        daily_xbt=limits.standing_daily_xbt,
        total_xbt=limits.standing_total_xbt,
        max_delta_xbt=limits.standing_daily_xbt,
        price_low=(max(mids) * (1 - _BAND)).quantize(Decimal(1)),
        price_high=(min(mids) * (1 + _BAND)).quantize(Decimal(1)),
        ends_at=now + timedelta(hours=1),
        by="demo",
    )
    answer = await bot.engine.command(GrantStanding(standing, standing.content_hash()))
    return answer if isinstance(answer, Denied) else None


def is_calm(engine: Engine) -> bool:
    """Say whether nothing is under way, and nothing left to answer."""
    pair = engine.policy.automation
    band = Decimal(0) if pair is None or pair.collateral is None else pair.collateral.band
    return (
        engine.market.reconciled
        and not engine.state.active_plans()
        and not engine.state.unsettled
        and abs(engine.state.delta() - (Decimal(0) if pair is None else pair.target_delta)) <= band
    )


def watched(engine: Engine) -> tuple[str, ...]:
    """Return, a line each, what the watches have proposed and what came of it."""
    plans = [plan for plan in engine.state.plans.values() if plan.spec.cause is not Cause.PERSON]
    return tuple(f"{plan.spec.cause}: {plan.spec.why}: {plan.status}" for plan in plans)


def unfinished(engine: Engine) -> tuple[str, ...]:
    """Return the plans that did not come to their end. Stops that have been taken off have: that is theirs."""
    return tuple(name for name, plan in engine.state.plans.items() if not _is_done(plan))


def missed(engine: Engine, causes: Iterable[Cause]) -> tuple[str, ...]:
    """Return which of ``causes`` no watch has proposed a plan for that was carried out."""
    done = {plan.spec.cause for plan in engine.state.plans.values() if _is_done(plan) and _has_sent(plan)}
    return tuple(cause.value for cause in causes if cause not in done)


def _is_done(plan: PlanState) -> bool:
    return plan.status is PlanStatus.DONE or (plan.protects and plan.status is PlanStatus.STOPPED)


def _has_sent(plan: PlanState) -> bool:
    return any(leg.orders for tranche in plan.tranches for leg in tranche.legs.values())
