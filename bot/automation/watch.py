"""Every watch the profile has switched on, one after the other, the most urgent first."""

from bot.automation import (
    arrivals,
    closure,
    collateral,
    edge,
    expiry,
    holding,
    margin,
    orphan,
    prices,
    protection,
    rolled,
    settlement,
)
from bot.orders.turn import Turn


def watch(turn: Turn) -> None:
    """Look at everything a watch looks at, once. Called with each tick, after the orders have been decided."""
    profile = turn.policy.automation
    if profile is None:
        return
    pair = profile.followed(turn.state.positions)
    if not {pair.inverse, pair.linear} <= turn.state.instruments.keys():
        return
    if pair.margin is not None:
        arrivals.watch(turn, pair.margin)
    if pair.settlement is not None:
        settlement.watch(turn, pair, pair.settlement)
    if not prices.are_believable(turn, pair):
        return
    rolled.watch(turn, profile)
    if pair.orphan is not None:
        orphan.watch(turn, pair, pair.orphan)
    halfway = rolled.is_halfway(turn, pair)
    if pair.margin is not None:
        margin.watch(turn, pair, pair.margin, halfway=halfway)
    if pair.expiry is not None:
        expiry.watch(turn, pair, pair.expiry)
    if halfway:
        return  # the others judge a pair by one month of each leg
    if pair.closure is not None:
        closure.watch(turn, pair, pair.closure)
        if pair.closure.stops is not None:
            protection.watch(turn, pair, pair.closure, pair.closure.stops)
    if pair.collateral is not None:
        collateral.watch(turn, pair, pair.collateral)
    if pair.carry is not None:
        holding.watch(turn, pair, pair.carry)
    if pair.edge is not None:
        edge.watch(turn, pair, pair.edge)
