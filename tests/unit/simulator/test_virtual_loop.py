"""Waiting takes no time, and whatever would make a run depend on the machine is refused."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from adapters.simulator.virtual_loop import Deadlock, VirtualLoop, VirtualTime, VirtualTimeError

START = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def clock() -> VirtualTime:
    return VirtualTime(START)


@pytest.fixture
def loop(clock: VirtualTime) -> Iterator[VirtualLoop]:
    made = VirtualLoop(clock)
    yield made
    for task in asyncio.all_tasks(made):
        task.cancel()
    made.run_until_complete(asyncio.sleep(0))
    made.close()


def test_a_week_passes_at_once(loop: VirtualLoop, clock: VirtualTime) -> None:
    loop.run_until_complete(asyncio.sleep(7 * 86_400))
    assert clock.now() == START + timedelta(days=7)
    assert clock.monotonic() == loop.time() == 7 * 86_400


def test_timers_run_in_their_order(loop: VirtualLoop, clock: VirtualTime) -> None:
    seen: list[tuple[str, float]] = []

    async def wait(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        seen.append((name, clock.elapsed))

    async def main() -> None:
        await asyncio.gather(wait("c", 3.5), wait("a", 0.001), wait("b", 2))

    loop.run_until_complete(main())
    assert seen == [("a", 0.001), ("b", 2), ("c", 3.5)]


def test_timeouts_are_virtual_too(loop: VirtualLoop, clock: VirtualTime) -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3_600):
                await asyncio.sleep(3_601)

    loop.run_until_complete(main())
    assert clock.elapsed == 3_600


def test_a_deadlock_is_an_error_that_names_who_waits_and_where(loop: VirtualLoop) -> None:
    async def inner() -> None:
        await asyncio.get_running_loop().create_future()

    async def main() -> None:
        await asyncio.create_task(inner(), name="the forgotten one")

    with pytest.raises(Deadlock, match=r"the forgotten one at .*inner \(test_virtual_loop.py:\d+\)"):
        loop.run_until_complete(main())


def test_a_busy_loop_is_an_error(loop: VirtualLoop) -> None:
    async def main() -> None:
        while True:  # noqa: ASYNC110 - that is the mistake
            await asyncio.sleep(0)

    with pytest.raises(VirtualTimeError, match=r"time stands still .*main"):
        loop.run_until_complete(main())


def test_threads_and_executors_are_refused(loop: VirtualLoop) -> None:
    async def main() -> None:
        with pytest.raises(VirtualTimeError, match="thread"):
            await asyncio.to_thread(print)
        refused: list[Exception] = []

        def call() -> None:
            try:
                loop.call_soon_threadsafe(print)
            except VirtualTimeError as error:
                refused.append(error)

        other = threading.Thread(target=call)
        other.start()
        other.join()
        assert len(refused) == 1
        done = loop.create_future()
        loop.call_soon_threadsafe(done.set_result, None)  # from its own thread it is an ordinary call
        await done

    loop.run_until_complete(main())


def test_sockets_are_refused(loop: VirtualLoop) -> None:
    async def main() -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            with pytest.raises(VirtualTimeError, match="no sockets"):
                await loop.sock_recv(ours, 1)

    loop.run_until_complete(main())


def test_what_a_callback_raises_is_not_lost(loop: VirtualLoop) -> None:
    async def main() -> None:
        loop.call_soon(lambda: 1 // 0)
        await asyncio.sleep(1)

    loop.check()
    loop.run_until_complete(main())
    with pytest.raises(VirtualTimeError, match="ZeroDivisionError"):
        loop.check()


def test_years_pass_as_well(loop: VirtualLoop, clock: VirtualTime) -> None:
    """A float of 2**24 seconds (194 days) holds no nanosecond any more: a timer that is due must still be found."""

    async def main() -> None:
        for _ in range(40):
            await asyncio.sleep(30 * 86_400 + 0.3)
            for _ in range(20):
                await asyncio.sleep(0.1)

    loop.run_until_complete(main())
    assert clock.elapsed == pytest.approx(40 * (30 * 86_400 + 0.3 + 2.0), abs=1e-3)
