"""A contract that has expired: its position is cash now, and what stood against it stands alone.

The two venues end their contracts hours apart (twenty around Christmas), and meanwhile the other leg is naked. No
approval covers a trade that would mend that, so a person hears of it at once, and every hour as long as it is so.
"""

from datetime import timedelta

from bot.model.automation import AtExpiry, Automation
from bot.orders import orphaning, ticketing
from bot.orders.market import Unpaired
from bot.orders.turn import Turn
from risk.instruments import InstrumentId
from risk.orders import Fill

_AGAIN_AFTER = timedelta(hours=1)


def ended(turn: Turn, fill: Fill) -> None:
    """Say what a settlement that has just been booked leaves open; nothing new is worked in its contract."""
    for plan in turn.state.active_plans():
        if fill.instrument in plan.spec.contracts:
            ticketing.stop_plan(turn, plan, f"{fill.instrument} has expired")
    moved = turn.state.instruments[fill.instrument].xbt(fill.signed_quantity, fill.price)
    # The second leg's settlement gives back what the first one took: only the latest counts.
    profile = turn.policy.automation
    within = profile is not None and _is_within(turn, profile)
    turn.market.unpaired = (
        None if within else Unpaired(fill.instrument, turn.state.delta() - moved, moved, turn.now)
    )
    turn.alert(
        "SETTLED_LEG",
        f"{fill.instrument} has expired: {-fill.signed_quantity:+} contracts settled at {fill.price}; {_left(turn)}",
        about=str(fill.instrument),
    )
    if profile is None or not (within and _is_held_to_its_end(profile)):
        orphaning.stand_down(turn, fill, f"{fill.instrument} has expired")


def _is_within(turn: Turn, pair: Automation) -> bool:
    """Say whether the settlement has left Δ where it is wanted: nothing stands alone now."""
    off = abs(turn.state.delta() - pair.target_delta)
    return pair.collateral is not None and off <= pair.collateral.band


def _is_held_to_its_end(pair: Automation) -> bool:
    return pair.expiry is not None and pair.expiry.what is AtExpiry.SETTLE


def remind(turn: Turn) -> None:
    """Tell again, every hour, while Δ is still nearer to where a settlement took it than to where it was."""
    unpaired = turn.market.unpaired
    if unpaired is None or turn.now - unpaired.told_at < _AGAIN_AFTER:
        return
    off = turn.state.delta() - unpaired.before
    if 2 * abs(off) < abs(unpaired.moved) or not any(turn.state.positions.values()):
        turn.market.unpaired = None
        return
    unpaired.told_at = turn.now
    turn.alert("SETTLED_LEG", f"STILL, since {unpaired.instrument} has settled: {_left(turn)}")


def _left(turn: Turn) -> str:
    held = [
        f"{key} {contracts:+}{_until(turn, key)}"
        for key, contracts in sorted(turn.state.positions.items())
        if contracts
    ]
    return f"Δ is {turn.state.delta():+.8f} XBT; open: {', '.join(held) or 'nothing'}"


def _until(turn: Turn, key: InstrumentId) -> str:
    expiry = turn.state.instruments[key].terms.expiry
    return "" if expiry is None else f" (until {expiry:%F %H:%M}Z)"
