"""What the emergency command would do, before it does it. Pure: nothing here asks or sends."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from bot.flatten.desk import WIDENING
from bot.flatten.options import Options
from bot.flatten.outcome import total
from bot.flatten.pairs import CLIP_XBT
from bot.flatten.side import VenueSide, name_of
from bot.flatten.voice import clock
from bot.model.ids import FLATTEN_PREFIX, parse_client_order_id
from risk.instruments import InstrumentId
from risk.orders import OrderUpdate, Side
from risk.sizing import paired_reduction
from risk.terms import Rounding


@dataclass(frozen=True, slots=True)
class Plan:
    """``holds``: contracts, None where a venue does not answer. The rest are lines for a person.

    ``remaining_xbt``: Δ of what would be left, wallet included; None while that is not known.
    """

    holds: dict[InstrumentId, int | None]
    now: tuple[str, ...]
    cancels: tuple[str, ...]
    closes: tuple[str, ...]
    left_alone: tuple[str, ...]
    remaining_xbt: Decimal | None

    def lines(self) -> Iterator[str]:
        """Give the whole plan, line by line."""
        for title, lines in (
            ("held now", self.now),
            ("to cancel", self.cancels),
            ("to close", self.closes),
            ("left alone", self.left_alone),
        ):
            for number, line in enumerate(lines):
                yield f"{title if not number else '':<11} {line}"
        rest = "not known yet"
        if self.remaining_xbt is not None:
            rest = f"{self.remaining_xbt:+.4f} XBT, the wallet's counted"
        yield f"{'then left':<11} exposure: {rest}"


def plan(inverse: VenueSide, linear: VenueSide, options: Options, wallet: Decimal | None) -> Plan:
    """Return the plan for what both venues have told by now; ``wallet`` in XBT."""
    sides = (inverse, linear)
    stops = [f"{_order(one)}, a protective stop: once flat" for side in sides for one in side.stops]
    cancels = [_order(one) for side in sides for one in side.working]
    others = [
        _order(one) for side in sides for one in side.orders if one.instrument not in side.instrument_ids
    ]
    if options.everything:
        cancels += [f"{line} IN ANOTHER CONTRACT" for line in others]
    return Plan(
        holds={side.instrument_id: side.contracts for side in sides}
        | {key: contracts for side in sides for key, contracts in side.elsewhere.items() if contracts},
        now=tuple(line for side in sides for line in _held(side)),
        cancels=(*cancels, *stops) or ("no orders",),
        closes=tuple(_closes(inverse, linear, options)) or ("nothing",),
        left_alone=() if options.everything else tuple(others),
        remaining_xbt=total(wallet, [_left(side, options) for side in sides]),
    )


def _left(side: VenueSide, options: Options) -> Decimal | None:
    """XBT of what shall stay. Of a second month that is known once the first is done."""
    if side.contracts is None or (options.hold_hedge and _others(side)):
        return None
    return side.xbt(side.goal)


def whose(client_order_id: str | None) -> str:
    """Say who sent an order, by its id."""
    if client_order_id is None:
        return "sent without an id: by hand, or by another program"
    if client_order_id.startswith(f"{FLATTEN_PREFIX}-"):
        return "an earlier flatten's"
    return "the bot's" if parse_client_order_id(client_order_id) is not None else "another program's"


def _order(order: OrderUpdate) -> str:
    price = order.stop or order.price
    at = "" if price is None else f" at {price.normalize():,f}"
    return f"{order.instrument} {order.side} {order.leaves:,}{at} ({name_of(order)}, {whose(order.client_order_id)})"


def _held(side: VenueSide) -> Iterator[str]:
    yield _held_now(side)
    for key, contracts in side.elsewhere.items():
        if contracts:
            yield f"{key}: {contracts:+,} contracts, another month of the same leg"


def _held_now(side: VenueSide) -> str:
    if side.contracts is None:
        return f"{side.instrument_id}: NO ANSWER"
    xbt = side.xbt(side.contracts)
    worth = "" if xbt is None or not side.contracts else f" ({xbt:+.4f} XBT)"
    held = f"{side.contracts:+,} contracts" if side.contracts else "nothing"
    closed = f"; CLOSED until {clock(side.opens)}" if side.is_closed else ""
    return f"{side.instrument_id}: {held}{worth}{closed}"


def _closes(inverse: VenueSide, linear: VenueSide, options: Options) -> Iterator[str]:
    for side in (inverse, linear):
        if side.goal:
            yield f"keep {side.instrument_id} {side.goal:+,}: as much short as the wallet is long"
    if options.strip_hedge:
        yield from _alone(inverse, linear)
        return
    if inverse.excess is None or linear.excess is None:
        silent = inverse if inverse.excess is None else linear
        yield f"nothing before {silent.venue.name} answers: what is held elsewhere may be its hedge"
        return
    if linear.is_closed and linear.excess:
        yield f"nothing of a pair before {linear.venue.name} opens: flatten waits for it"
    price = inverse.price
    rest = inverse.excess, linear.excess
    if inverse.excess * linear.excess < 0 and price and inverse.instrument and linear.instrument:
        pair = paired_reduction(
            inverse.instrument,
            inverse.excess,
            linear.instrument,
            linear.excess,
            abs(linear.instrument.xbt(linear.excess, price)),
            price,
        )
        if pair.linear:
            clip = max(CLIP_XBT, linear.instrument.granule(price))
            yield f"in pairs of at most {clip.normalize():f} XBT, matched at {price.normalize():,f}:"
            yield f"  {_trade(linear, pair.linear)}"
            yield f"  {_trade(inverse, pair.inverse)}"
        rest = inverse.excess + pair.inverse, linear.excess + pair.linear
    for side, other, left in ((inverse, linear, rest[0]), (linear, inverse, rest[1])):
        if left and not _others(other):
            yield f"alone: {_trade(side, -left)}"
    for side, other in ((linear, inverse), (inverse, linear)):
        for key, contracts in _others(side):
            yield f"then {key} {-contracts:+,} likewise, in pairs with what is left of {other.instrument_id}"


def _others(side: VenueSide) -> list[tuple[InstrumentId, int]]:
    """What the leg holds in another month."""
    return [(key, contracts) for key, contracts in side.elsewhere.items() if contracts]


def _alone(*sides: VenueSide) -> Iterator[str]:
    for side in sides:
        if side.excess:
            yield f"alone: {_trade(side, -side.excess)}"


def _trade(side: VenueSide, signed: int) -> str:
    """Say an order as it would go out first: through the touch by the first widening."""
    order_side = Side.BUY if signed > 0 else Side.SELL
    text = f"{order_side} {abs(signed):,} {side.instrument_id}"
    level = None if side.current is None else side.current.take(order_side)
    if level is None or side.instrument is None:
        return f"{text} (no price now)"
    rounding = Rounding.UP if order_side is Side.BUY else Rounding.DOWN
    limit = side.instrument.terms.to_tick(level.price * (1 + order_side.sign * WIDENING[0]), rounding)
    return f"{text} at {limit.normalize():,f} or better"
