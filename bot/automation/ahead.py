"""What the accounts and the calendar make due: margin, closures, the last moment to send money, funding, expiry."""

from collections.abc import Iterator
from datetime import MAXYEAR, datetime, timedelta
from decimal import Decimal

from bot.automation.closure import what_survives
from bot.automation.due import Deadline, each_per_cent
from bot.automation.implied import opening
from bot.automation.margin import Standing, sentence, standings
from bot.automation.proposing import plan_of
from bot.model.automation import AtExpiry, Automation, ClosureLimits, ExpiryLimits, MarginLimits
from bot.model.plans import Cause
from bot.orders.turn import Turn
from risk.closures import Closure, arrival, long_closures
from risk.instruments import InstrumentId
from risk.money import Currency
from risk.sessions import Span
from risk.standing import Use
from risk.survival import Survival

_LOOKS_AHEAD = timedelta(days=7)


def deadlines(turn: Turn, pair: Automation) -> Iterator[Deadline]:
    """Yield what is due for ``pair``, in no order."""
    yield from _margin(turn, pair)
    yield from _closures(turn, pair)
    yield from _funding(turn, pair)
    yield from _expiries(turn, pair)


def _margin(turn: Turn, pair: Automation) -> Iterator[Deadline]:
    limits = pair.margin
    found = None if limits is None else standings(turn, pair, limits)
    if limits is None or found is None:
        return
    for one in found:
        if one.liquidation is None or one.distance is None or not one.size:
            continue
        where = f"at {one.liquidation:,.2f} ({one.distance:.1%} away)"
        unanswered = f"{where} {one.venue} liquidates {abs(one.size):.2f} XBT"
        cost = f"its other leg stands alone: {each_per_cent(one.size, one.liquidation)}"
        advice = turn.market.advice.get(one.venue)
        if advice is not None and advice.amount > 0:
            yield Deadline(
                None,
                advice.reason,
                f"{one.venue} stands {limits.aim:.0%} from liquidation again{_arrives(turn, pair, one)}",
                unanswered,
                cost,
                do=sentence(advice, pair, limits).removeprefix(f"{advice.reason}: ").replace(" now, ", ", "),
            )
        elif one.distance <= limits.top_up:
            yield Deadline(
                None,
                f"{one.venue} is liquidated at {one.liquidation:,.2f}, {one.distance:.1%} away",
                "what it lacks is said to be on its way: nothing more is asked",
                unanswered,
                cost,
            )
        else:
            level = _level(one.price, one.liquidation, limits.top_up)
            yield Deadline(
                None,
                f"at {level:,.2f} ({level / one.price - 1:+.1%}) {one.venue} is {limits.top_up:.0%} from liquidation",
                f"a transfer is asked for there, and at {limits.last:.0%} a reduction",
                unanswered,
                cost,
                price=level,
            )


def _level(price: Decimal, liquidation: Decimal, level: Decimal) -> Decimal:
    """Return the price at which the liquidation is ``level`` (fraction of the price) away."""
    return liquidation / (1 - level if liquidation < price else 1 + level)


def _arrives(turn: Turn, pair: Automation, one: Standing) -> str:
    """Say when money sent now would be there, if windows without wires are known."""
    if pair.margin is None:
        return ""
    if one.currency is Currency.XBT:
        return f", about {turn.now + pair.margin.xbt_takes:%a %R}Z if it is sent now"
    windows = pair.closure.rules.no_wires if pair.closure else ()
    return f", about {arrival(turn.now, pair.margin.wire_takes, windows):%a %R}Z if it is sent now"


def _opening(turn: Turn, pair: Automation) -> Iterator[Deadline]:
    """What the linear leg's open brings, by the price at the inverse venue."""
    found = opening(turn, pair)
    if found is None or found.at is None:
        return
    if found.result is None or found.last is None:
        result = "what that makes is not known: the last price before was not seen"
    else:
        result = (
            f"{pair.linear.venue} {'loses' if found.result < 0 else 'gains'} {abs(found.result):,.0f} USD"
            f" ({found.price / found.last - 1:+.1%})"
        )
    yield Deadline(
        found.at,
        f"{pair.linear} opens, near {found.price:,.2f} as {pair.inverse.venue} trades now",
        "nothing is asked",
        f"{result}; {found.equity:,.0f} USD of equity are left there",
    )


def _closures(turn: Turn, pair: Automation) -> Iterator[Deadline]:
    hours = turn.market.hours.get(pair.linear)
    if hours is None:
        return
    yield from _opening(turn, pair)
    closes = hours.closes(turn.now)
    if closes is not None and closes.year != MAXYEAR:
        opens = hours.opens(closes)
        until = f" until {opens:%a %R}Z" if opens is not None else ", and no open is announced"
        yield Deadline(
            closes,
            f"{pair.linear} closes{until}",
            "nothing is asked",
            "nothing new is started there; what has filled is hedged while the other market trades",
        )
    held = any(turn.state.positions[key] for key in (pair.inverse, *pair.months))
    if pair.closure is None or not held:
        return
    found = what_survives(turn, pair, pair.closure)
    ahead = [
        each for each in long_closures(hours, pair.closure.rules, turn.now) if each.span.start > turn.now
    ]
    for closure in ahead:
        yield _small_by(turn, pair, pair.closure, closure, found)
    if pair.margin is not None:
        yield from _last_moments(turn, pair, pair.closure, pair.margin, found, ahead[0] if ahead else None)


def _small_by(
    turn: Turn, pair: Automation, limits: ClosureLimits, closure: Closure, found: Survival | None
) -> Deadline:
    by = closure.span.start - limits.finish
    what = f"small enough for {closure.span.start:%a %R}Z to {closure.span.end:%a %R}Z ({closure.why})"
    price = turn.market.last_mids.get(pair.inverse)
    if found is None or price is None:
        return Deadline(by, what, "nothing is asked", "what survives is not known without prices of both")
    if found.too_much <= 0:
        return Deadline(by, what, "nothing is asked", "nothing has to come off as it stands")
    begins = closure.span.start - limits.lead
    asked = plan_of(turn.state, Cause.CLOSURE) is not None or begins <= turn.now
    proposed = "a reduction is proposed" + (" now" if asked else f" from {begins:%a %R}Z on")
    stress = limits.stress
    if found.more_xbt:
        move = stress.inverse_fall if turn.state.positions[pair.inverse] > 0 else stress.inverse_rise
        where = pair.inverse.venue
    else:
        move = stress.linear_fall if turn.state.positions[pair.linear] > 0 else stress.linear_rise
        where = pair.linear.venue
    return Deadline(
        by,
        what,
        f"{proposed}; or {_more(found)} instead of it",
        f"{found.too_much:.2f} of {found.spread:.2f} XBT stay too much: {_more(found)} would carry all of it",
        f"if it moves {move:+.1%} meanwhile, {where} liquidates and up to {found.spread:.2f} XBT stand alone: "
        + each_per_cent(found.spread, price),
    )


def _more(found: Survival) -> str:
    wants = [
        *([f"{found.more_xbt:.4f} XBT"] if found.more_xbt else []),
        *([f"{found.more_usd:,.0f} USD"] if found.more_usd else []),
    ]
    return f"{' and '.join(wants)} more"


def _last_moments(
    turn: Turn,
    pair: Automation,
    limits: ClosureLimits,
    margin: MarginLimits,
    found: Survival | None,
    closure: Closure | None,
) -> Iterator[Deadline]:
    """The last moments to send money: USD before a time without wires, XBT before a long closure of the market."""
    lacks_usd = Decimal(0) if found is None else found.more_usd
    advice = turn.market.advice.get(pair.linear.venue)
    if advice is not None and advice.amount > 0:
        lacks_usd = max(lacks_usd, advice.amount)
    for window in limits.rules.no_wires:
        for span in window.spans(Span(turn.now, turn.now + _LOOKS_AHEAD)):
            for how, takes in (
                ("wire", margin.wire_takes),
                ("sale of T-bills", margin.bills_take),
                ("sale of XBT to be wired", margin.sale_takes + margin.wire_takes),
            ):
                last = span.start - takes
                if last > turn.now:
                    yield Deadline(
                        last,
                        f"last {how} whose USD are at {pair.linear.venue} before {span.start:%a %R}Z "
                        f"(it takes {_hours(takes)})",
                        "USD sent by then can be used",
                        f"no USD arrive until {span.end:%a %R}Z"
                        + (
                            f", and {lacks_usd:,.0f} are wanted"
                            if lacks_usd
                            else "; none are wanted as it stands"
                        ),
                        do=f"{how}: {lacks_usd:,.0f} USD" if lacks_usd else "",
                    )
    if found is not None and found.more_xbt and closure is not None:
        last = closure.span.start - limits.finish - margin.xbt_takes
        if last > turn.now:
            yield Deadline(
                last,
                f"last deposit of XBT that is at {pair.inverse.venue} in time for {closure.span.start:%a %R}Z "
                f"(it takes {_hours(margin.xbt_takes)})",
                "nothing comes off for want of XBT",
                f"{found.more_xbt:.4f} XBT are wanted; without them the spread is to be reduced",
                do=f"deposit {found.more_xbt:.4f} XBT at {pair.inverse.venue}, or let it be reduced",
            )


def _hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:g} h"


def _funding(turn: Turn, pair: Automation) -> Iterator[Deadline]:
    told, price = turn.market.fundings.get(pair.inverse), turn.market.last_mids.get(pair.inverse)
    held = turn.state.positions[pair.inverse]
    if told is None or price is None or not held or told.at <= turn.now:
        return
    pays = told.rate * held
    yield Deadline(
        told.at,
        f"funding of {pair.inverse} at {told.rate:+.4%}",
        "nothing is asked",
        f"{'paid' if pays > 0 else 'received'}: about {abs(pays):,.2f} USD",
        f"{pays:,.2f} USD" if pays > 0 else "",
    )


def _expiries(turn: Turn, pair: Automation) -> Iterator[Deadline]:
    for key in pair.contracts:
        instrument, held = turn.state.instruments.get(key), turn.state.positions[key]
        if instrument is None or not held or instrument.terms.expiry is None:
            continue
        expiry, price = instrument.terms.expiry, turn.market.last_mids.get(key)
        if pair.expiry is not None and expiry - pair.expiry.lead > turn.now:
            yield _proposed_then(turn, pair, pair.expiry, key, expiry)
        xbt = None if price is None else instrument.xbt(held, price)
        yield Deadline(
            expiry,
            f"{key} expires ({held:+} contracts)",
            "rolled or closed before, nothing happens then",
            f"it settles in cash, and {'' if xbt is None else f'{abs(xbt):.2f} XBT of '}the other leg stand alone"
            + _alone_until(turn, pair, key, expiry)
            + ("" if xbt is None else f" (Δ {turn.state.delta() - xbt:+.2f} XBT)")
            + ("" if pair.orphan is None else ": a ticket to reduce it follows, and waits"),
            "" if xbt is None or price is None else each_per_cent(xbt, price),
            do="" if pair.expiry is not None else "basisbot plan close, or basisbot plan roll",
        )


def _proposed_then(
    turn: Turn, pair: Automation, limits: ExpiryLimits, key: InstrumentId, expiry: datetime
) -> Deadline:
    following, at = pair.next_of(key), expiry - limits.lead
    what = {
        AtExpiry.SETTLE: "the other leg is proposed to come off in slices",
        AtExpiry.CLOSE: "closing the spread is proposed",
        AtExpiry.ROLL: "closing the spread is proposed"
        if following is None
        else f"rolling into {following} is proposed",
    }[limits.what]
    for name, given in sorted(turn.state.standing.items()):
        if not given.revoked and given.approval.ends_at > at and Use.ROLL in given.approval.uses:
            unanswered = f"standing approval {name} answers in your place, within its budgets"
            break
    else:
        every = f"{limits.pause.total_seconds() / 60:g} min"
        unanswered = (
            f"it is proposed again every {every}, and held to {expiry:%a %R}Z: no standing approval rolls"
        )
    return Deadline(
        at,
        f"{key} ends {_hours(limits.lead)} later: {what}",
        "nothing is held when it ends"
        if limits.what is not AtExpiry.SETTLE
        else "Δ follows the averaging down",
        unanswered,
    )


def _alone_until(turn: Turn, pair: Automation, key: InstrumentId, expiry: datetime) -> str:
    other = pair.partner_of(key)
    instrument = turn.state.instruments.get(other)
    end = None if instrument is None else instrument.terms.expiry
    if end is None or end <= expiry:
        return ""
    return f" for {_hours(end - expiry)}, until {other} ends"
