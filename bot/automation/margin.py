"""Margin: how far each account is from liquidation, what would have to be moved where, and what comes off at last.

The bot moves no money. It writes down what a person should move, and why; the ledger sees it arrive, and the
collateral's watch hedges the XBT it brings. The four rows of "Margin actions" (DOMAIN.md, section 2) stand nowhere in
here: they follow from which account a move hurts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal

from bot.automation.arrivals import is_late
from bot.automation.books import account_at, broker_rate
from bot.automation.implied import linear_price
from bot.automation.proposing import has_rested, plan_of, raise_reduction, withdraw
from bot.automation.rebuilding import is_to_be_rebuilt
from bot.automation.reminding import GROWN, LONGEST, forget, remind
from bot.model.automation import Automation, MarginLimits
from bot.model.plans import Cause, PlanStatus
from bot.orders.market import Advice
from bot.orders.turn import Turn
from risk.capital import Stress
from risk.distance import distance, inverse_liquidation, linear_liquidation
from risk.money import Currency, Money
from risk.sessions import Session, Span
from risk.survival import Account, inverse_need, linear_need, survival

# An account must have stood at its last level for so long: one bad tick takes nothing down.
_STEADY = timedelta(seconds=5)
_WORST = 8  # halvings of the way to a liquidation that are told apart


@dataclass(frozen=True, slots=True)
class Standing:
    """One account at the prices of the moment. ``size`` in XBT, signed; ``equity`` in ``currency``; ``leverage``: the
    position's value for each unit of equity, None without equity. ``liquidation``: USD per XBT; ``distance``: how far
    that is, as a fraction of the price; None where no price does it. ``aimed``: the equity with which the distance
    would be the profile's aim."""

    venue: str
    currency: Currency
    size: Decimal
    price: Decimal
    equity: Decimal
    leverage: Decimal | None
    liquidation: Decimal | None
    distance: Decimal | None
    aimed: Decimal


def standings(
    turn: Turn, pair: Automation, limits: MarginLimits, move: Decimal = Decimal(0)
) -> tuple[Standing, Standing] | None:
    """Return how the inverse and the linear account stand, or would after a ``move`` of both prices (a fraction); None
    before there are prices and books of both."""
    mids, price = turn.market.last_mids, linear_price(turn, pair)
    if pair.inverse not in mids or price is None:
        return None
    # The broker's margin was asked for at its own last price. A leg in two months, half-way through a roll, is one.
    now = account_at(turn.state, pair.linear, mids.get(pair.linear, price), pair.next_linear)
    inverse = account_at(turn.state, pair.inverse, mids[pair.inverse] * (1 + move), pair.next_inverse)
    linear = account_at(turn.state, pair.linear, price * (1 + move), pair.next_linear)
    if inverse is None or linear is None or now is None:
        return None
    maintenance = turn.state.instruments[pair.inverse].terms.maintenance_margin
    rate = broker_rate(turn, pair.linear, now, limits.broker_rate)
    stress = _stress(limits.aim, maintenance, rate)
    return (
        _standing(
            pair.inverse.venue,
            Currency.XBT,
            inverse,
            abs(inverse.size),
            inverse_liquidation(inverse, maintenance),
            inverse_need(inverse.size, inverse.price, stress),
        ),
        _standing(
            pair.linear.venue,
            Currency.USD,
            linear,
            abs(linear.size) * linear.price,
            linear_liquidation(linear, rate),
            linear_need(linear.size, linear.price, stress),
        ),
    )


def _standing(
    venue: str,
    currency: Currency,
    account: Account,
    value: Decimal,
    liquidation: Decimal | None,
    aimed: Decimal,
) -> Standing:
    return Standing(
        venue,
        currency,
        account.size,
        account.price,
        account.equity,
        value / account.equity if account.equity > 0 else None,
        liquidation,
        distance(account.price, liquidation),
        aimed,
    )


def _stress(move: Decimal, maintenance: Decimal, rate: Decimal) -> Stress:
    return Stress(-move, move, -move, move, maintenance, rate)


@dataclass(frozen=True, slots=True)
class Projection:
    """Both accounts after a ``move`` of the price (a fraction), with nothing done meanwhile. ``wanted``: for each, what
    would be asked for then (positive) or could leave, in its currency; 0: nothing."""

    move: Decimal
    standings: tuple[Standing, Standing]
    wanted: tuple[Decimal, Decimal]


# Every day's moves, and a bad day's; the closure's own are added to them.
_MOVES = tuple(Decimal(percent) / 100 for percent in (-20, -10, -5, 5, 10, 20))


def projections(turn: Turn, pair: Automation, limits: MarginLimits) -> list[Projection]:
    """Return how both accounts would stand after the moves that matter, the deepest fall first: some round ones, and
    those which a closure must be survived with."""
    moves = set(_MOVES)
    if pair.closure is not None:
        stress = pair.closure.stress
        moves |= {stress.inverse_fall, stress.inverse_rise, stress.linear_fall, stress.linear_rise}
    found = []
    for move in sorted(moves):
        after = standings(turn, pair, limits, move)
        if after is not None and any(one.size for one in after):
            inverse, linear = (_wanted(limits, one, None, _coming(turn, limits, one)) for one in after)
            found.append(Projection(move, after, (inverse, linear)))
    return found


@dataclass(frozen=True, slots=True)
class NextHedge:
    """``xbt``: what will have been brought in all, and hedged; ``price``: where that is due (USD per XBT)."""

    xbt: Decimal
    price: Decimal


def next_hedges(turn: Turn, pair: Automation, limits: MarginLimits, count: int) -> list[NextHedge]:
    """Return at which prices the inverse account will lack one more lot of the linear contract after the other, if it
    is topped up to its aim each time: there the next hedge of the collateral is due.

    The need for each XBT of position is a constant, c. A long's hedge goes to the linear venue and leaves its n
    contracts as they are: what lacks at a price p is ``n(c + 1)/p − (equity + n/P)``.
    """
    found = standings(turn, pair, limits)
    if found is None or found[0].size == 0:
        return []
    inverse = found[0]
    step = turn.state.instruments[pair.linear].granule(Decimal(1))
    each = inverse.aimed / abs(inverse.size)
    if inverse.size < 0:
        return list(_of_a_short(inverse, each, step, count))
    due = []
    first = int(max(inverse.aimed - inverse.equity, Decimal(0)) / step) + 1
    for lots in range(first, first + count):
        below = inverse.equity + inverse.size + lots * step
        if below <= 0:
            break  # no price takes so much
        due.append(NextHedge(lots * step, inverse.size * inverse.price * (each + 1) / below))
    return due


def _of_a_short(inverse: Standing, each: Decimal, step: Decimal, count: int) -> Iterator[NextHedge]:
    """Yield a short's next hedges. They are sold at the inverse venue, and need collateral themselves.

    From ``start`` on, where the aim is just reached, equity follows c of the position: dB − n/p² dp = c(dB − n/p² dp),
    with dn = p dB sold for what is brought. So dB = n/p² dp, the position stays what it is in XBT, x, and
    ``p = start × exp(B/x)``.
    """
    size, lacks = abs(inverse.size), inverse.aimed - inverse.equity
    if each >= 1 or size <= inverse.equity:
        return
    start, brought = inverse.price, Decimal(0)
    if lacks > 0:
        brought = lacks / (1 - each)  # what is brought is sold too, and needs c of itself
        size += brought
    else:
        start = size * inverse.price * (1 - each) / (size - inverse.equity)
        size *= inverse.price / start
    first = int(brought / step) + 1
    for lots in range(first, first + count):
        yield NextHedge(lots * step, start * ((lots * step - brought) / size).exp())


def watch(turn: Turn, pair: Automation, limits: MarginLimits, *, halfway: bool = False) -> None:
    """Say what is to be moved while an account is nearer to liquidation than it should be, or needs less than it has;
    propose to reduce at the last level. ``halfway``: a leg is in two months, and nothing comes off as a pair."""
    found = standings(turn, pair, limits)
    if found is None:
        return
    for one in found:
        _advise(turn, pair, limits, one)
    nearest = min((one.distance for one in found if one.distance is not None), default=None)
    if nearest is None or nearest > limits.last:
        turn.market.margin_low_since = None
        if nearest is None or nearest >= limits.top_up:
            withdraw(turn, Cause.MARGIN, "the accounts have recovered before anything was asked for")
        return
    since = turn.market.margin_low_since = turn.market.margin_low_since or turn.now
    if not turn.has_passed(_STEADY, since):
        return
    if halfway:
        _say_last(turn, limits, found, nearest, "a leg is in two months, so that no pair comes off")
        return
    if turn.market.session(pair.linear, turn.now) is Session.CLOSED:
        # Reckoned now, it would trade at the open what was right hours before.
        _say_last(turn, limits, found, nearest, f"{pair.linear} is closed")
        return
    if plan_of(turn.state, Cause.MARGIN):
        return
    for key in (pair.inverse, pair.linear):
        trouble = turn.market.trouble(key, turn.now, turn.policy)
        if trouble is not None:
            # What is right at an old price is too much, or too little, by the time it can be traded.
            _say_last(turn, limits, found, nearest, "no reduction can be reckoned", f"; {trouble}")
            return
    if not _was_carried_out(turn) and not has_rested(turn, Cause.MARGIN, limits.pause):
        return
    inverse, linear = (Account(one.size, one.equity, one.price) for one in found)
    maintenance = turn.state.instruments[pair.inverse].terms.maintenance_margin
    stress = _stress(limits.aim, maintenance, broker_rate(turn, pair.linear, linear, limits.broker_rate))
    wanted = survival(inverse, linear, stress, Decimal(0))
    instrument = turn.state.instruments[pair.linear]
    granule = instrument.granule(linear.price)
    size = min((wanted.too_much / granule).to_integral_value(ROUND_CEILING) * granule, wanted.spread)
    if size <= 0:
        _say_last(turn, limits, found, nearest, "no pair is left to reduce")
        return
    raise_reduction(
        turn,
        pair,
        Cause.MARGIN,
        size,
        f"{_says(found)}: {size:.2f} XBT off leave {limits.aim:.0%} to go",
        1,
        urgent=True,
    )


def _say_last(
    turn: Turn, limits: MarginLimits, found: tuple[Standing, ...], nearest: Decimal, why: str, more: str = ""
) -> None:
    """Say that only collateral helps; again at once with each half of the way to the liquidation."""
    text = f"{_says(found)}; {why}: it takes collateral{more}"
    remind(turn, "MARGIN_LAST", text, why, first=limits.pause, level=_halvings(nearest, limits.last))


def _halvings(distance: Decimal, level: Decimal) -> int:
    """Return how often a distance to liquidation has been halved since it was ``level``."""
    return next((n for n in range(_WORST) if distance > level / 2 ** (n + 1)), _WORST)


def _was_carried_out(turn: Turn) -> bool:
    """Say whether the last reduction was traded: a price that has gone on falls due again at once."""
    last = [plan for plan in turn.state.plans.values() if plan.spec.cause is Cause.MARGIN][-1:]
    return any(plan.status is PlanStatus.DONE for plan in last)


def _says(found: tuple[Standing, ...]) -> str:
    return "; ".join(
        f"{one.venue} is liquidated at {one.liquidation:,.2f}, {one.distance:.1%} away"
        for one in found
        if one.liquidation is not None and one.distance is not None
    )


def _advise(turn: Turn, pair: Automation, limits: MarginLimits, one: Standing) -> None:
    """Raise, change or withdraw the instruction to move money for one account."""
    market, known = turn.market, turn.market.advice.get(one.venue)
    amount = _wanted(limits, one, known, _coming(turn, limits, one))
    if amount < 0 and (turn.state.active_plans() or is_to_be_rebuilt(turn, pair)):
        amount = Decimal(0)  # what is about to be traded needs it
    if amount == 0:
        if known is not None:
            del market.advice[one.venue]
        if one.equity >= one.aimed:
            forget(turn, "TRANSFER_WANTED", one.venue)
        return
    is_new = known is None or (known.amount > 0) is not (amount > 0)
    advice = Advice(one.venue, one.currency, amount, _reason(one, limits, amount), turn.now)
    text = sentence(advice, pair, limits)
    if amount > 0:
        # Nearer to the last level it is told again at once, and so with each half of the way from there.
        low = 0 if one.distance is None else _halvings(one.distance, limits.top_up)
        told = remind(turn, "TRANSFER_WANTED", text, one.venue, first=limits.pause, level=low, amount=amount)
    else:
        told = remind(turn, "COLLATERAL_IDLE", text, one.venue, first=LONGEST)
    # Less is not told by itself, but whoever looks sees it.
    if (
        is_new
        or told
        or known is None
        or not abs(known.amount) / GROWN <= abs(amount) <= abs(known.amount) * GROWN
    ):
        market.advice[one.venue] = advice


def _coming(turn: Turn, limits: MarginLimits, one: Standing) -> Decimal:
    """Return what somebody has said is on its way to an account; what is late is not counted upon."""
    units = sum(
        each.expected
        for each in turn.state.moves.open()
        if each.recorded.target == one.venue
        and each.currency is one.currency
        and not is_late(each, limits, turn.now)
    )
    return Money(one.currency, units).amount


def _wanted(limits: MarginLimits, one: Standing, known: Advice | None, coming: Decimal) -> Decimal:
    """Return what to bring (positive) beside what is ``coming``, or what may leave (negative), in the account's
    currency; 0: nothing.

    Between the levels nothing begins; what has begun goes on until the aim is reached.
    """
    step = Decimal("0.0001") if one.currency is Currency.XBT else Decimal(100)
    lacking = one.aimed - one.equity
    low = one.distance is not None and one.distance < limits.top_up
    if low or (known is not None and known.amount > 0 and lacking > 0):
        return max((lacking - coming) / step, Decimal(0)).to_integral_value(ROUND_CEILING) * step
    high = one.size != 0 and (one.distance is None or one.distance > limits.release)
    if high or (known is not None and known.amount < 0 and lacking < 0 and one.size != 0):
        return (lacking / step).to_integral_value(ROUND_CEILING) * step
    return Decimal(0)


def _reason(one: Standing, limits: MarginLimits, amount: Decimal) -> str:
    if one.distance is None or one.liquidation is None:
        return f"no price liquidates {one.venue}"
    level = limits.top_up if amount > 0 else limits.release
    than = "less" if amount > 0 else "more"
    # What has begun goes on until the aim is reached.
    begun = one.distance >= level if amount > 0 else one.distance <= level
    kept = (
        f"it was {than} than {level:.0%}, and {limits.aim:.0%} is the aim"
        if begun
        else f"{than} than {level:.0%}"
    )
    return f"{one.venue} is liquidated at {one.liquidation:,.2f}, {one.distance:.1%} away: {kept}"


def sentence(advice: Advice, pair: Automation, limits: MarginLimits) -> str:
    """Return the instruction for a person: what, how much, from where to where, by when, why."""
    amount, xbt = f"{abs(advice.amount):,f} {advice.currency}", advice.currency is Currency.XBT
    own = "your own wallet" if xbt else "your bank"
    after = "then the hedge of that XBT is proposed by itself" if xbt else "USD carries no Δ"
    if advice.amount < 0:
        return f"{advice.reason}: you may withdraw {amount} from {advice.venue} to {own}; {after}"
    what, takes = ("deposit", limits.xbt_takes) if xbt else ("wire", limits.wire_takes)
    there = advice.told_at + takes if xbt else _wired(pair, advice.told_at + takes)
    return (
        f"{advice.reason}: {what} {amount} from {own} to {advice.venue} now, it takes about "
        f"{_hours(takes.total_seconds())} and is there about {there:%a %R}Z; {after}"
    )


def _wired(pair: Automation, at: datetime) -> datetime:
    """Return when a wire that would arrive at ``at`` does: not while no wires do."""
    windows = () if pair.closure is None else pair.closure.rules.no_wires
    spans = [span for window in windows for span in window.spans(Span(at, at + _STEADY))]
    return max((span.end for span in spans if at in span), default=at)


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.0f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"
