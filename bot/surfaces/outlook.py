"""What lies ahead, as plain JSON values: deadlines, how far each account is from liquidation, whether holding pays,
and what the contracts settle on."""

from datetime import datetime, timedelta
from decimal import Decimal

from bot.automation.deadlines import deadlines
from bot.automation.due import Deadline, asked
from bot.automation.holding import holding, move
from bot.automation.implied import opening
from bot.automation.indices import indices
from bot.automation.margin import Standing, next_hedges, projections, standings
from bot.model.policy import Policy
from bot.orders.market import Market
from bot.orders.state import BotState
from bot.orders.turn import Turn
from bot.surfaces.indices_view import indices_view
from bot.surfaces.views import View, plain

WITHIN = timedelta(days=3)
_HEDGES = 6
_CENT, _PLACES = Decimal("0.01"), Decimal("0.0001")


def outlook(state: BotState, market: Market, policy: Policy, now: datetime) -> View:
    """Return the view; parts whose watch is off, or that cannot be known now, are empty or None."""
    turn = Turn(state, market, policy, now)
    pair = None if policy.automation is None else policy.automation.followed(state.positions)
    margin = None if pair is None else pair.margin
    carry = None if pair is None else pair.carry
    found = None if pair is None or margin is None else standings(turn, pair, margin)
    hedges = [] if pair is None or margin is None else next_hedges(turn, pair, margin, _HEDGES)
    price = found[0].price if found else Decimal(1)
    held = None if pair is None or carry is None else holding(turn, pair, carry)
    instead = None if pair is None or carry is None or held is None else move(turn, pair, carry)
    due = deadlines(turn, WITHIN)
    opens = None if pair is None or pair.linear not in state.instruments else opening(turn, pair)
    settlement = None if pair is None else pair.settlement
    return {
        "indices": None
        if pair is None or settlement is None
        else indices_view(indices(turn, pair, settlement)),
        "to_do": [_deadline(one, now) for one in asked(due, now)],
        "deadlines": [_deadline(one, now) for one in due],
        "margin": [_standing(one) | _by_venue(market, one.venue) for one in found or ()],
        "at_the_open": None
        if opens is None
        else {
            "at": None if opens.at is None else opens.at.isoformat(),
            "price": plain(opens.price.quantize(_CENT)),
            "result_usd": None if opens.result is None else plain(opens.result.quantize(_CENT)),
            "equity_usd": plain(opens.equity.quantize(_CENT)),
        },
        "if_price_moves": [
            {
                "percent": plain((one.move * 100).quantize(_CENT)),
                "accounts": [
                    _standing(account) | {"wanted": plain(wanted)}
                    for account, wanted in zip(one.standings, one.wanted, strict=True)
                ],
            }
            for one in (projections(turn, pair, margin) if pair is not None and margin is not None else ())
        ],
        "next_hedges": [
            {
                "xbt": plain(one.xbt),
                "price": plain(one.price.quantize(_CENT)),
                "percent": plain(((one.price / price - 1) * 100).quantize(_CENT)),
            }
            for one in hedges
        ],
        "holding": None
        if held is None
        else {
            "until": held.until.isoformat(),
            "basis_left_usd": plain(held.left.quantize(_CENT)),
            "funded": None if held.funded is None else str(held.funded),
            "funding_usd": plain(held.funding.quantize(_CENT)),
            "mean_rate_percent": None if held.rate is None else plain((held.rate * 100).quantize(_PLACES)),
            "edge_usd": plain(held.edge.quantize(_CENT)),
            "dated": None if instead is None else str(instead.into),
            "dated_edge_usd": None if instead is None else plain(instead.edge.quantize(_CENT)),
        },
    }


def _deadline(one: Deadline, now: datetime) -> View:
    return {
        "at": None if one.at is None else one.at.isoformat(),
        "seconds_left": None if one.at is None else round((one.at - now).total_seconds(), 1),
        "price": None if one.price is None else plain(one.price.quantize(_CENT)),
        "do": one.do or None,
        "what": one.what,
        "answered": one.answered,
        "unanswered": one.unanswered,
        "cost": one.cost or None,
    }


def _standing(one: Standing) -> View:
    return {
        "venue": one.venue,
        "currency": one.currency,
        "equity": plain(one.equity.quantize(_PLACES)),
        "leverage": None if one.leverage is None else plain(one.leverage.quantize(_CENT)),
        "liquidation": None if one.liquidation is None else plain(one.liquidation.quantize(_CENT)),
        "distance_usd": None
        if one.liquidation is None
        else plain((one.liquidation - one.price).quantize(_CENT)),
        "distance_percent": None if one.distance is None else plain((one.distance * 100).quantize(_CENT)),
    }


def _by_venue(market: Market, venue: str) -> View:
    """Return what the venue itself said last: the margin it asks for, and what is left above it."""
    told = market.accounts.get(venue)
    ratio = None if told is None else told.margin_ratio
    return {
        "told_at": None if told is None else told.at.isoformat(),
        "excess": None if told is None else plain(told.excess.amount.quantize(_PLACES)),
        "excess_announced": None
        if told is None or told.announced_margin is None
        else plain((told.equity.amount - told.announced_margin.amount).quantize(_PLACES)),
        "margin_ratio_percent": None if ratio is None else plain((ratio * 100).quantize(_CENT)),
    }
