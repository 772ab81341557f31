"""What the decisions promise whatever two venues do, held against the worlds of ``orders_world``."""

from datetime import timedelta
from decimal import Decimal
from random import Random

from bot.ledger.proof import Proof
from bot.model.codec import GENESIS, decode, encode, record
from bot.model.events import StandingGranted, TicketApproved, TrancheFinished
from bot.model.ids import Role
from bot.model.inputs import GrantStanding
from bot.model.ladders import Rung, favourable, total
from bot.model.legging import Legging, Style
from bot.model.plans import PlanKind
from bot.orders.fold import apply
from bot.orders.state import BotState
from risk.direction import Action, Direction
from risk.standing import StandingApproval, Use, scopes_for
from risk.terms import Kind
from tests.property.orders_world import World, intended
from tests.unit.bot.desk import INSTRUMENTS, MBT, POLICY, XBTUSD, D

LOT = D(100) / D(70_000)
"""A lot of the hedge in XBT, at any price these tests come to."""
SLIP = D("1.02")
"""A hedge fills away from the price it was sized at: the hard band and what the market moves meanwhile."""


def begun(case: dict[str, object]) -> World:
    direction, kind = case["direction"], case["kind"]
    size = D("1.2") if kind is PlanKind.OPEN else None
    ladder = rungs(direction, kind, case["tranches"]) if case.get("ladder") else ()
    if ladder:
        size = total(ladder)
    world = World(
        Random(str(case["seed"])),
        ladder=ladder,
        direction=direction,
        kind=kind,
        size_xbt=size,
        tranches=case["tranches"],
        collateral=case["collateral"],
        legging=Legging(Kind(str(case["working"])), Style(str(case["style"]))),
    )
    if kind is PlanKind.CLOSE:
        sign = 1 if direction is Direction.LONG_INVERSE else -1
        world.hold(sign * 96_000, -12 * sign)
    if case["standing"]:
        let_stand(world, direction, str(case["standing"]))
    world.desk.propose(
        approval=case["approval"],
        direction=direction,
        kind=kind,
        size_xbt=size,
        tranches=case["tranches"],
        collateral=case["collateral"],
        legging=world.wanted.legging,
        ladder=ladder,
    )
    world.durable = len(world.desk.events)
    return world


def rungs(direction: object, kind: object, tranches: object) -> tuple[Rung, ...]:
    """Tranches at a basis the books of a world come to now and then, each further off than the one before."""
    way, action = Direction(str(direction)), Action.OPEN if kind is PlanKind.OPEN else Action.CLOSE
    step = 1 if favourable(way, action, D(0)).most is None else -1
    return tuple(
        Rung(D("0.4"), favourable(way, action, D(690 + 15 * step * number)))
        for number in range(int(str(tranches)))
    )


def let_stand(world: World, direction: object, budget: str) -> None:
    """Give a standing approval for everything the plan may do, ``budget`` XBT a day and half as much again in all."""
    daily = D(budget)
    standing = StandingApproval(
        standing_id="s1",
        scopes=scopes_for(
            [Use.OPEN, Use.CLOSE, Use.COLLATERAL], Direction(str(direction)), XBTUSD.id, MBT.id
        ),
        daily_xbt=daily,
        total_xbt=daily * D("1.5"),
        max_delta_xbt=daily,
        price_low=D(60_000),
        price_high=D(100_000),
        ends_at=world.desk.now + timedelta(seconds=world.rng.choice((60, 10_000))),
        by="anna",
    )
    world.desk.command(GrantStanding(standing, standing.content_hash()))


def check_budgets(world: World) -> None:
    """Counted from the events and what has been heard: no approval of a standing one took more than its budgets."""
    over = {(e.plan_id, e.tranche) for e, _ in world.desk.events if isinstance(e, TrancheFinished)}
    taken: dict[object, Decimal] = {}
    for approved, at in world.desk.events:
        if (
            not isinstance(approved, TicketApproved)
            or not approved.standing
            or approved.leg.role is Role.HEDGE
        ):
            continue
        linear = approved.envelope.instrument == MBT.id
        size = approved.envelope.quantity * (MBT.terms.multiplier if linear else 1)
        if (approved.leg.plan_id, approved.leg.tranche) in over:
            ids = f"{approved.leg}-"
            size = sum(
                (
                    abs(INSTRUMENTS[fill.instrument].xbt(fill.quantity, fill.price))
                    for fill in world.heard.values()
                    if (fill.client_order_id or "").startswith(ids) and fill.side is approved.envelope.side
                ),
                D(0),
            )
        taken[at.date()] = taken.get(at.date(), D(0)) + size
    given = [e.standing for e, _ in world.desk.events if isinstance(e, StandingGranted)]
    if given:
        assert all(size <= given[0].daily_xbt * SLIP + world.late_xbt for size in taken.values())
        assert sum(taken.values(), D(0)) <= given[0].total_xbt * SLIP + world.late_xbt


def check_books(world: World) -> None:
    """No fill is lost or doubled: the books hold exactly what has been heard, once each."""
    booked = {key: contracts for key, contracts in world.desk.state.positions.items() if contracts}
    heard: dict[object, int] = {}
    for fill in world.heard.values():
        heard[fill.instrument] = heard.get(fill.instrument, 0) + fill.signed_quantity
    assert booked == {key: contracts for key, contracts in heard.items() if contracts}


def check_exposure(world: World) -> None:
    """Nothing is worked before what has filled is answered, so one clip bounds what is naked.

    What filled after the venue had called it cancelled comes on top, and half a lot of a coarse hedge.
    """
    most = POLICY.max_unattended_delta * SLIP + 2 * LOT + world.late_xbt
    if world.wanted.legging.working is Kind.INVERSE:
        most += MBT.terms.multiplier / 2
    assert abs(world.desk.plan.unhedged) <= most
    assert abs(world.naked()) <= most


def live(world: World, steps: int) -> str:
    """Let a world go through its misfortunes, then well; hold it to its promises all the way. Say how it ended."""
    for _ in range(steps):
        world.step()
        assert world.uncontained == []
        check_books(world)
        check_exposure(world)
    check_budgets(world)
    world.heal()
    check_budgets(world)
    assert world.uncontained == []
    check_books(world)
    ids = [submit.order.request.client_order_id for submit in world.sent]
    assert len(set(ids)) == len(ids)
    assert len(set(intended(world))) == len(intended(world))
    assert dict(world.positions()) == {
        key: contracts for key, contracts in world.desk.state.positions.items() if key in world.positions()
    }
    ended = check_hedged(world)
    check_replay(world)
    return ended


def check_hedged(world: World) -> str:
    """Say how it ended: hedged within a lot; or, if hedging had failed, within a lot of the coarse leg, and said so."""
    naked = abs(world.naked())
    assert abs(naked - abs(world.desk.plan.unhedged)) < D("1e-12")
    held = world.positions()
    if world.wanted.kind is PlanKind.CLOSE and held[XBTUSD.id] == 0:
        # The pair is closed: a hedge that only reduces has nothing more to answer with, nor to answer for.
        assert abs(held[MBT.id]) * MBT.terms.multiplier <= MBT.terms.multiplier + world.late_xbt
        return "closed to the end"
    if "LEGGED_POSITION" in world.desk.alerts:
        # More only where order ids ran out (each crash takes some), or where what filled after its
        # cancellation was more than the approval could take back.
        spent = "ATTEMPTS_SPENT" in world.desk.alerts
        left = naked <= world.late_xbt * SLIP + LOT
        assert naked < MBT.terms.multiplier * D("1.001") or left or spent
        return "legged"
    assert naked < LOT
    return "hedged"


def check_replay(world: World) -> None:
    """The events alone give the same state, through their stored text too; and the proof finds nothing wrong."""
    desk = world.desk
    plain, stored, proof = BotState(), BotState(), Proof()
    head = GENESIS
    for seq, (each, at) in enumerate(desk.events, start=1):
        apply(plain, each, at)
        apply(stored, decode(type(each).__name__, encode(each)), at)
        recorded, _ = record(head, seq, at, each)
        head = recorded.hash
        problems = proof.see(recorded)
        assert problems == [] or world.late_xbt, problems
    assert plain == stored == desk.state
