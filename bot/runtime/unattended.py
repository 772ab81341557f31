"""``basisbot demo --unattended``: everybody sleeps. A standing approval, given at the start, answers every ticket while
CME closes, collateral arrives, and the inverse venue takes a part of its leg away."""

from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType

from bot.engine import Engine
from bot.model.inputs import GrantStanding
from bot.model.plans import Cause
from bot.runtime.daemon import Bot
from config.settings import Settings
from risk.approval import Denied
from risk.standing import StandingApproval, Use, scopes_for

OVERRIDES = MappingProxyType[str, object](
    {
        "automation.collateral": {"band_xbt": "0.1", "steady_seconds": 2, "pause_seconds": 5},
        "automation.orphan": {"band_xbt": "0.1", "steady_seconds": 2, "pause_seconds": 5},
        "limits.close_margin_seconds": 5,
        "limits.opening_margin_minutes": 0,
        "limits.standing_daily_xbt": 50,
        "limits.standing_total_xbt": 50,
        "demo.seconds": 230,
    }
)
"""Minutes stand for a night: the watches wait for seconds."""
_USES = (Use.OPEN, Use.CLOSE, Use.COLLATERAL, Use.ORPHAN)
_LEAST_BEFORE = timedelta(seconds=45)
_CLOSED = timedelta(minutes=1)
_DEPOSIT, _AFTER_CLOSE = "0.5", timedelta(seconds=15)
_PART, _AFTER_OPEN = "0.4", timedelta(seconds=30)
_BAND = Decimal("0.3")


def scenario(now: datetime) -> tuple[str, str]:
    """Return what the simulators' tables ``[inverse]`` and ``[linear]`` say of the night: CME closes for a minute (the
    broker's hours know no seconds), a deposit comes meanwhile, and after the open a part of the inverse leg is taken.
    """
    closes = (now + _LEAST_BEFORE).replace(second=0, microsecond=0) + timedelta(minutes=1)
    opens = closes + _CLOSED
    sessions = [(now - timedelta(days=1), closes), (opens, opens + timedelta(days=6))]
    deposit, taken = closes + _AFTER_CLOSE - now, opens + _AFTER_OPEN - now
    return (
        f"deposits = [[{round(deposit.total_seconds())}, {_DEPOSIT}]]\n"
        f"deleveraged = [[{round(taken.total_seconds())}, {_PART}]]\n",
        f"sessions = [{', '.join(f'[{opens:%FT%TZ}, {closes:%FT%TZ}]' for opens, closes in sessions)}]\n",
    )


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
