"""CME's indices by the broker's ticks: which one is of now, and which is not told."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import cast

import pytest
from ib_async.contract import Contract, ContractDetails

from adapters.errors import Unreachable
from adapters.ibkr.indices import Indices
from adapters.ibkr.settings import IndexSettings
from adapters.ibkr.wire import Wire
from adapters.venue import IndexRole, IndexTold

START = datetime(2026, 12, 24, 15, 0, 0, 400_000, tzinfo=UTC)
LAST, CLOSE, BID, TIMESTAMP = 4, 9, 1, 45
ID = 7


class HandClock:
    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()


class Answers:
    """Stands for a wire: what it is asked, it answers from a list."""

    def __init__(self, *answers: list[ContractDetails] | Unreachable) -> None:
        self.answers = list(answers)
        self.subscribed: list[Contract] = []
        self.given_back: list[int] = []

    async def contract_details(self, contract: Contract) -> list[ContractDetails]:
        answer = self.answers.pop(0)
        if isinstance(answer, Unreachable):
            raise answer
        return answer

    def subscribe(self, contract: Contract) -> int:
        self.subscribed.append(contract)
        return ID + len(self.subscribed) - 1

    def unsubscribe(self, request_id: int) -> None:
        self.given_back.append(request_id)


def details(con_id: int = 5) -> ContractDetails:
    return ContractDetails(contract=Contract("IND", conId=con_id, symbol="BRTI"))


class Rig:
    def __init__(self, *answers: list[ContractDetails] | Unreachable) -> None:
        self.clock = HandClock()
        self.told: list[IndexTold] = []
        self.wire = Answers(*(answers or ([details()],)))
        wanted = {IndexRole.SPOT: IndexSettings("BRTI")}
        self.indices = Indices("cme", wanted, self.clock, self.told.append)

    async def ask(self) -> None:
        self.indices.ask(cast(Wire, self.wire))
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    def price(self, price: float, after: float = 1.0) -> None:
        self.clock.time += timedelta(seconds=after)
        self.indices.tick(ID, LAST, price)
        self.indices.batch_end()

    @property
    def last(self) -> tuple[Decimal | None, datetime | None, str]:
        return self.told[-1].price, self.told[-1].at, self.told[-1].note


def run(play: Callable[[Rig], None], *answers: list[ContractDetails] | Unreachable) -> Rig:
    async def main() -> Rig:
        rig = Rig(*answers)
        await rig.ask()
        play(rig)
        await rig.indices.close()
        return rig

    return asyncio.run(main())


def test_a_change_that_was_seen_is_of_now_and_the_first_price_of_nobody_knows_when() -> None:
    def play(rig: Rig) -> None:
        assert [contract.conId for contract in rig.wire.subscribed] == [5]
        rig.price(60_000.25)
        assert rig.told == [IndexTold("cme", IndexRole.SPOT, "BRTI", Decimal("60000.25"), None)]
        rig.price(60_001)
        assert rig.last == (Decimal(60001), START + timedelta(seconds=2), "")

    run(play)


def test_the_brokers_own_time_of_the_last_value_counts() -> None:
    def play(rig: Rig) -> None:
        rig.indices.tick(ID, LAST, 60_000)
        rig.indices.text_tick(ID, TIMESTAMP, str(int(START.timestamp()) - 3600))
        rig.indices.batch_end()
        assert rig.last == (Decimal(60000), START.replace(microsecond=0) - timedelta(hours=1), "")
        # Whole seconds: of a change just seen, ours is the better word.
        rig.clock.time += timedelta(seconds=1)
        rig.indices.tick(ID, LAST, 60_001)
        rig.indices.text_tick(ID, TIMESTAMP, str(int(rig.clock.time.timestamp())))
        rig.indices.batch_end()
        assert rig.last == (Decimal(60001), START + timedelta(seconds=1), "")

    run(play)


@pytest.mark.parametrize("text", ["", "-1", "soon", "1e9", "9" * 30, "٣"])
def test_a_time_that_cannot_be_read_is_none(text: str) -> None:
    def play(rig: Rig) -> None:
        rig.indices.tick(ID, LAST, 60_000)
        rig.indices.text_tick(ID, TIMESTAMP, text)
        rig.indices.batch_end()
        assert rig.last == (Decimal(60000), None, "")

    run(play)


@pytest.mark.parametrize("price", [-1.0, 0.0, float("nan"), float("inf"), 1.7976931348623157e308])
def test_no_price_makes_it_unknown_until_the_next_one(price: float) -> None:
    def play(rig: Rig) -> None:
        rig.price(60_000)
        rig.price(price)
        assert rig.last[:2] == (None, None)
        assert "no usable price" in rig.last[2]
        rig.price(60_001)
        assert rig.last == (Decimal(60001), START + timedelta(seconds=3), "")

    run(play)


def test_neither_yesterdays_close_nor_a_bid_is_the_index() -> None:
    def play(rig: Rig) -> None:
        for kind in (CLOSE, BID):
            rig.indices.tick(ID, kind, 59_000)
            rig.indices.batch_end()
        assert rig.told == []

    run(play)


def test_delayed_data_is_no_index_of_the_moment() -> None:
    def play(rig: Rig) -> None:
        rig.price(60_000)
        rig.indices.data_kind(ID, 3)
        rig.indices.batch_end()
        assert rig.last[0] is None
        assert "delayed or frozen" in rig.last[2]
        rig.indices.data_kind(ID, 1)
        rig.price(60_001)
        assert rig.last[0] == 60001

    run(play)


def test_a_refused_subscription_is_said_once_and_a_warning_is_no_refusal() -> None:
    def play(rig: Rig) -> None:
        rig.indices.data_error(ID, 2109, "a warning")
        assert rig.told == []
        rig.indices.data_error(ID, 354, "Requested market data is not subscribed.")
        assert "[354]" in rig.last[2]
        rig.indices.data_error(ID, 354, "Requested market data is not subscribed.")
        assert len(rig.told) == 1
        assert rig.indices.owns(ID)  # whatever the gateway says of it yet

    run(play)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Unreachable("cme", "ask", "No security definition", code="200"), "lists no index BRTI at CME"),
        (Unreachable("cme", "ask", "no answer within 10 s"), "not to be asked"),
        ([], "lists no index BRTI at CME"),
        ([details(1), details(2)], "lists no index BRTI at CME"),
    ],
    ids=["200", "silence", "nothing", "several"],
)
def test_an_index_that_cannot_be_had_is_unknown(
    answer: list[ContractDetails] | Unreachable, said: str
) -> None:
    rig = run(lambda rig: None, answer)
    assert rig.wire.subscribed == []
    assert rig.told[0].price is None
    assert said in rig.told[0].note


def test_asking_again_gives_back_what_was_subscribed_and_tells_the_same_trouble_once() -> None:
    async def main() -> None:
        rig = Rig([details()])
        await rig.ask()
        rig.indices.data_error(ID, 354, "Requested market data is not subscribed.")
        await rig.ask()  # the contract is known by now: nothing more is asked about it
        assert len(rig.wire.subscribed) == 2
        rig.indices.data_error(ID + 1, 354, "Requested market data is not subscribed.")
        assert len(rig.told) == 1
        await rig.ask()
        await rig.ask()
        assert rig.wire.given_back == [ID, ID + 1, ID + 2]
        await rig.indices.close()

    asyncio.run(main())
