"""What must be so after any crash, read from the exchanges' own logs and from the chain, with sums of its own."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from adapters.simulator.exchange.orders import ExecKind, Execution, SimOrder
from bot.ledger.database import open_writable
from bot.ledger.journal import Journal
from bot.ledger.store import write
from bot.ledger.verify import verify
from bot.model.codec import encode
from bot.model.events import (
    Alerted,
    AttemptsSpent,
    FillBooked,
    FlattenOrdered,
    OrderIntended,
    Recorded,
    TicketApproved,
)
from bot.model.ids import Role, parse_client_order_id
from bot.model.plans import PlanKind, PlanStatus
from bot.orders.fold import apply
from bot.orders.state import BotState
from risk.approval import Purpose
from risk.direction import Direction
from tests.crash.ports import Handed
from tests.crash.world import ACCOUNT, World

# A lot of the coarse leg is 0.1 XBT, one of the fine leg 0.00125 at 80,000: half of the first is no rounding,
# two of the second are.
DOUBLED, TRADABLE = Decimal("0.05"), Decimal("0.0026")


def judge(world: World, scratch: Path) -> list[str]:
    """Return what is wrong with the end of a life, a line each."""
    return [
        *_sent_once(world),
        *_approved_first(world),
        *_orders_known(world),
        *_books_are_the_venues(world),
        *_hedged(world),
        *_ended(world),
        *_verified(world, scratch),
    ]


def _orders(world: World) -> list[tuple[str, SimOrder]]:
    return [(exchange.name, order) for exchange in world.exchanges for order in exchange.orders(ACCOUNT)]


def _executions(world: World) -> list[tuple[str, Execution]]:
    found = [
        (exchange.name, execution)
        for exchange in world.exchanges
        for execution in exchange.executions(ACCOUNT)
        if execution.kind is ExecKind.TRADE
    ]
    return sorted(found, key=lambda pair: pair[1].at)


def _sent_once(world: World) -> Iterator[str]:
    for client_id, times in Counter(handed.request.client_order_id for handed in world.wires.handed).items():
        if times > 1:
            yield f"{client_id} was sent {times} times"
    for (venue, client_id), times in Counter((v, order.client_id) for v, order in _orders(world)).items():
        if times > 1:
            yield f"{venue} has {client_id} {times} times"
    for venue, order in _orders(world):
        if not order.status.is_final:
            yield f"{venue}: {order.client_id} still rests"


def _approved_first(world: World) -> Iterator[str]:
    """Nothing was sent before what allows it was on the disk."""
    intents = {
        entry.event.request.client_order_id: entry.seq
        for entry in world.disk
        if isinstance(entry.event, OrderIntended)
    }
    for handed in world.wires.handed:
        client_id = handed.request.client_order_id
        if handed.purpose is Purpose.FLATTEN:
            continue  # its journal is read at the wire
        if handed.purpose is not Purpose.HEDGE and intents.get(client_id, 10**9) > handed.durable:
            yield f"{client_id} was sent before its intent was on the disk"
        if not _reserved(world.disk[: handed.durable], handed):
            yield f"{client_id} was sent before its id was reserved on the disk"


def _reserved(durable: list[Recorded], handed: Handed) -> bool:
    parsed = parse_client_order_id(handed.request.client_order_id)
    if parsed is None:
        return False
    leg, attempt = parsed
    first, last = 0, -1
    for entry in durable:
        if isinstance(entry.event, TicketApproved) and entry.event.leg == leg:
            first, last = entry.event.first_attempt, entry.event.last_attempt
        elif isinstance(entry.event, AttemptsSpent) and entry.event.leg == leg:
            last += entry.event.through + 1 - first
            first = entry.event.through + 1
    return first <= attempt <= last


def _orders_known(world: World) -> Iterator[str]:
    """Every order a venue has is in the books, as it is there, under an approval that came before it."""
    allowed: set[str] = set()
    intents: dict[str, tuple[OrderIntended, bool, Recorded]] = {}
    for entry in world.disk:
        match entry.event:
            case TicketApproved(_, _, envelope):
                allowed.add(envelope.approval_id)
            case FlattenOrdered(flatten_id):
                allowed.add(flatten_id)
            case OrderIntended() as intended:
                known = intended.approval_id in allowed
                intents[intended.request.client_order_id] = (intended, known, entry)
    for venue, order in _orders(world):
        if order.client_id not in intents:
            yield f"{venue}: {order.client_id} is not in the ledger"
            continue
        intended, known, _ = intents[order.client_id]
        request = intended.request
        if not known:
            yield f"{venue}: {order.client_id} has no earlier approval"
        if (request.instrument.venue, request.side.value) != (venue, order.side.value):
            yield f"{venue}: {order.client_id} is a {order.side} there, a {request.side} in the ledger"
        if request.quantity < order.cum:
            yield f"{venue}: {order.client_id} filled {order.cum} of {request.quantity} in the ledger"


def _books_are_the_venues(world: World) -> Iterator[str]:
    theirs = Counter(
        (venue, e.exec_id, e.side.sign * e.quantity, Decimal(e.price) / 100)
        for venue, e in _executions(world)
    )
    booked = [entry.event for entry in world.disk if isinstance(entry.event, FillBooked)]
    ours = Counter(
        (b.fill.instrument.venue, b.fill.execution_id, b.fill.signed_quantity, b.fill.price) for b in booked
    )
    if theirs - ours:
        yield f"fills lost: {sorted(map(str, theirs - ours))}"
    if ours - theirs:
        yield f"fills of nobody, or booked twice: {sorted(map(str, ours - theirs))}"
    if any(event.foreign for event in booked):
        yield "a fill of our own is booked as foreign"
    for exchange in world.exchanges:
        symbol = exchange.specs()[0].symbol
        held = exchange.position(ACCOUNT, symbol).contracts
        filled = sum(quantity for venue, _, quantity, _ in ours.elements() if venue == exchange.name)
        if held != filled:
            yield f"{exchange.name} holds {held} contracts, the ledger {filled}"
    if world.differences:
        yield f"not reconciled: {world.differences}"


def _hedged(world: World) -> Iterator[str]:
    """Follow each plan's spread through the executions: never hedged twice, at the end hedged or alerted."""
    naked: Counter[str] = Counter()
    worst: dict[str, Decimal] = {}
    for venue, execution in _executions(world):
        parsed = parse_client_order_id(execution.client_id)
        if parsed is None or parsed[0].role is Role.SINGLE:
            continue
        plan = parsed[0].plan_id
        size = Decimal(execution.side.sign * execution.quantity)
        size = size / 10 if venue == "cme" else size * 100 / execution.price
        naked[plan] += size  # type: ignore[assignment]
        too_far = Decimal(naked[plan]) * -_working_sign(world, plan)
        worst[plan] = max(worst.get(plan, Decimal(0)), too_far)
    for plan, most in worst.items():
        if most > DOUBLED:
            yield f"plan {plan} was hedged {most:.4f} XBT too far: the same fills twice"
    alerted = [
        entry.event.text
        for entry in world.disk
        if isinstance(entry.event, Alerted) and entry.event.code == "LEGGED_POSITION"
    ]
    for plan, left in naked.items():
        flattened = world.state.plans[plan].flattened
        if abs(left) > TRADABLE and not flattened and not any(plan in text for text in alerted):
            yield f"plan {plan} ended with {left:+.4f} XBT unhedged, and nobody was told"


def _working_sign(world: World, plan_id: str) -> int:
    spec = world.state.plans[plan_id].spec
    sells = (spec.direction is Direction.LONG_INVERSE) is (spec.kind is PlanKind.OPEN)
    return -1 if sells else 1


def _ended(world: World) -> Iterator[str]:
    for plan in world.state.plans.values():
        if plan.status is PlanStatus.ACTIVE:
            yield f"plan {plan.spec.plan_id} is still active"
    if world.state.unsettled:
        yield f"unsettled: {list(world.state.unsettled)}"
    rebuilt = BotState()
    for entry in world.disk:
        apply(rebuilt, entry.event, entry.at)
    if rebuilt != world.state:
        yield "what the chain says is not what the bot believed"


@cache
def _empty_ledger() -> bytes:
    """Return a new ledger's file: to make one takes longer than all the rest."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "empty.sqlite3"
        open_writable(path).dispose()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return path.read_bytes()


def _verified(world: World, scratch: Path) -> Iterator[str]:
    path = scratch / "judged.sqlite3"
    path.write_bytes(_empty_ledger())
    engine = open_writable(path)
    with engine.begin() as connection:
        write(connection, Journal(), [(entry, encode(entry.event)) for entry in world.disk])
    engine.dispose()
    result = verify(path)
    yield from (f"verify: {problem}" for problem in result.problems)
    for exchange in world.exchanges:
        view = exchange.account(ACCOUNT)
        flat = not exchange.position(ACCOUNT, exchange.specs()[0].symbol).contracts
        told = {venue: money.units for (venue, _), money in result.balances.cash.items()}
        if flat and told.get(exchange.name, 0) != view.wallet:
            yield f"{exchange.name}: the wallet is {view.wallet}, the ledger says {told.get(exchange.name, 0)}"
