"""The profile's automation for a replay: what watches what is held; opening, taking down and rolling is the rule's."""

from dataclasses import replace
from decimal import Decimal

from bot.model.automation import Automation
from bot.model.policy import Policy
from bot.runtime.automation import automation
from bot.runtime.policy import policy
from bot.runtime.replay.options import Options
from config.settings import Settings
from risk.instruments import InstrumentId

_NOWHERE = InstrumentId("bitmex", "XBTUSD"), InstrumentId("cme", "none yet")
"""Until the replay says which month it holds."""
WATCHES = ("collateral", "margin", "closure", "orphan")


def watched(settings: Settings, options: Options) -> Policy:
    """Return the profile's limits and watches. Raises ValueError where it watches nothing of what a replay can show."""
    pair = replace(
        automation(settings, *_NOWHERE),
        direction=options.direction,
        target_delta=Decimal(0),
        carry=None,
        edge=None,
        expiry=None,
    )
    if not options.collateral:
        pair = replace(pair, collateral=None)
    if not watches(pair):
        tables = ", ".join(f"[automation.{one}]" for one in WATCHES)
        raise ValueError(f"the profile watches nothing that a replay shows: it has none of {tables}")
    return policy(settings.limits, pair)


def watches(pair: Automation) -> tuple[str, ...]:
    """Return the names of the watches that are on."""
    return tuple(name for name in WATCHES if getattr(pair, name) is not None)
