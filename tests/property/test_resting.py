"""What rests changes nothing: not a decision, not what is known, wherever the chain is cut and taken up again."""

from dataclasses import fields
from random import Random

from hypothesis import event, given, settings
from hypothesis import strategies as st

from bot.ledger import snapshots
from bot.ledger.database import scratch
from bot.ledger.folded import Folded, put_on
from bot.model.codec import GENESIS, record
from bot.model.cold import ColdDict, ColdSet, Digests, cold_parts
from bot.model.events import FillBooked, Recorded
from bot.model.inputs import Input
from bot.model.order_states import Belief
from bot.model.plans import PlanKind
from bot.orders.fold import folded
from bot.orders.resting import rest
from bot.orders.state import BotState
from risk.direction import Direction
from risk.orders import OrderStatus
from tests.property.orders_world import World
from tests.unit.bot.desk import D

cases = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**32),
        "direction": st.sampled_from(Direction),
        "tranches": st.integers(1, 3),
        "steps": st.integers(20, 200),
    }
)


class DictShelf:
    """``fetched``: how often something was asked for again."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.fetched = 0

    def load(self, name: str, key: str) -> str | None:
        self.fetched += 1
        return self.kept.get((name, key))


class RestingWorld(World):
    """A world in which everything that may rest does so after every single input."""

    def __init__(self, rng: Random, **plan: object) -> None:
        self.shelf = DictShelf()
        super().__init__(rng, **plan)

    def give(self, given: Input) -> None:
        super().give(given)
        state = self.desk.state
        for part in cold_parts(state).values():
            if isinstance(part, ColdDict):
                part.shelf = self.shelf
        for name, key, value in rest(state, plans=0, executions=0):
            self.shelf.kept[name, key] = value


def lived(kind: type[World], case: dict[str, object]) -> World:
    """A life with two plans, and at the end late words about everything there ever was."""
    rng = Random(str(case["seed"]))
    options = {"kind": PlanKind.OPEN, "direction": case["direction"], "tranches": case["tranches"]}
    world = kind(rng, size_xbt=D("1.2"), **options)
    for plan_id in ("plan1", "plan2"):
        world.desk.propose(plan_id=plan_id, size_xbt=D("1.2"), **options)
        world.durable = len(world.desk.events)
        for _ in range(int(str(case["steps"]))):
            world.step()
        world.heal()
    world.calm = False
    for placed in list(world.placed.values()):
        roll = rng.random()
        whole = placed.filled == placed.request.quantity
        if roll < 0.2 and placed.exists and not whole:  # it was called cancelled, and fills weeks later
            lot = 100 if placed.request.instrument.venue == "bitmex" else 1
            world._execute(placed, lot, placed.request.price, tell=True)
        elif roll < 0.4:
            for fill in placed.executions:
                world.give(fill)
        elif roll < 0.6 and placed.exists:
            world._tell(placed, OrderStatus.CANCELED, placed.filled)
        elif roll < 0.7:
            world._answer(placed.request.instrument, placed.request.client_order_id)
        while world.mail:
            world.deliver()
        world.tick(0.25)
    world.heal()
    return world


@given(cases)
@settings(max_examples=60, deadline=None)
def test_resting_changes_no_decision(case: dict[str, object]) -> None:
    plain, resting = lived(World, case), lived(RestingWorld, case)
    assert resting.desk.events == plain.desk.events
    assert [str(each.order.request) for each in resting.sent] == [
        str(each.order.request) for each in plain.sent
    ]
    assert resting.desk.asked == plain.desk.asked
    assert isinstance(resting, RestingWorld)
    event(f"plans still awake: {len(resting.desk.state.plans)}")
    event("something was fetched" if resting.shelf.fetched else "nothing was fetched")
    check_same(resting.desk.state, plain.desk.state)


def check_same(found: BotState, whole: BotState) -> None:
    """Whatever may be asked of a state of which a part rests is answered as by one that is awake."""
    for each in fields(BotState):
        mine, theirs = getattr(found, each.name), getattr(whole, each.name)
        if isinstance(mine, ColdDict):
            for key in list(theirs):
                assert mine.peek(key) == theirs[key], (each.name, key)
                assert key in mine
            assert mine.every_key() == theirs.every_key()
        elif isinstance(mine, ColdSet):
            assert all(key in mine for key in theirs)
            assert mine.every_key() == theirs.every_key()
        else:
            assert mine == theirs, each.name


def chained(world: World) -> list[Recorded]:
    chain, head = [], GENESIS
    for seq, (each, at) in enumerate(world.desk.events, start=1):
        recorded, _ = record(head, seq, at, each)
        chain.append(recorded)
        head = recorded.hash
    return chain


@given(cases, st.data())
@settings(max_examples=40, deadline=None)
def test_a_chain_may_be_cut_and_taken_up_anywhere(case: dict[str, object], data: st.DataObject) -> None:
    """fold(all) is fold(snapshot + the rest), with several snapshots on the way; so are the journal's entries."""
    chain = chained(lived(World, case))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(chain)), min_size=1, max_size=4)))
    whole = Folded()
    entries = [whole.post(recorded) for recorded in chain]
    with scratch() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        now, done, again = Folded(), 0, []
        put_on(snapshots.ConnectionShelf(connection), now)
        for cut in [*cuts, len(chain)]:
            again += [now.post(recorded) for recorded in chain[done:cut]]
            done = cut
            last = chain[cut - 1]
            connection.exec_driver_sql(
                "INSERT OR REPLACE INTO event (seq, at, kind, payload, hash) VALUES (?, '', '', '', ?)",
                (last.seq, last.hash),
            )
            snapshots.save(connection, now)
            loaded = snapshots.load(connection)
            assert loaded is not None
            now = loaded
        assert again == entries
        check_same(now.state, whole.state)
        assert now.journal.positions == whole.journal.positions
        assert folded(chain) == whole.state
        assert list(snapshots.differences(connection, whole)) == []
        booked = [each.event for each in chain if isinstance(each.event, FillBooked)]
        assert all((e.fill.instrument.venue, e.fill.execution_id) in now.state.executions for e in booked)
        assert all(order.belief is not Belief.UNKNOWN for order in now.state.unsettled.values())


keys = st.binary(min_size=16, max_size=16) | st.integers(0, 40).map(lambda n: n.to_bytes(16, "big"))


@given(st.lists(st.tuples(st.booleans(), keys)))
@settings(max_examples=200, deadline=None)
def test_digests_are_a_set(steps: list[tuple[bool, bytes]]) -> None:
    model: set[bytes] = set()
    found = Digests()
    for adds, key in steps:
        if adds:
            model.add(key)
            found.add(key)
        else:
            model.discard(key)
            found.remove(key)
        assert (key in found) == (key in model)
    assert len(found) == len(model)
    assert found.sorted() == b"".join(sorted(model))
    again = Digests()
    again.take_sorted(found.sorted())
    assert again == found == found.copy()
    assert all(key in again for key in model)
