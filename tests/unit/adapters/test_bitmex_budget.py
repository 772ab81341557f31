import pytest

from adapters.bitmex.budget import Budget, Priority, TokenBucket
from adapters.bitmex.settings import BitmexSettings


def budget(minute: int = 120, second: int = 10, cancels: int = 2, orders: int = 20) -> Budget:
    settings = BitmexSettings(
        base_url="http://127.0.0.1:1",
        ws_url="ws://127.0.0.1:1/realtime",
        api_key="key",
        api_secret="secret",
        requests_per_minute=minute,
        orders_per_second=second,
        kept_for_cancels=cancels,
        kept_for_orders=orders,
    )
    return Budget(settings, now=0.0)


def spend(budget: Budget, priority: Priority, now: float) -> int:
    """Return how many requests go out at once."""
    count = 0
    while budget.consume(now, priority) == 0.0:
        count += 1
    return count


def test_a_bucket_gives_its_capacity_then_its_rate() -> None:
    bucket = TokenBucket(3, per_second=2.0, now=10.0)
    for _ in range(3):
        assert bucket.wait(10.0) == 0.0
        bucket.take(10.0)
    assert bucket.wait(10.0) == pytest.approx(0.5)
    assert bucket.wait(10.25) == pytest.approx(0.25)
    assert bucket.wait(10.5) == 0.0
    assert bucket.wait(99.0, floor=2) == 0.0
    assert bucket.wait(99.0, floor=3) == pytest.approx(0.5)  # never more than it holds


def test_a_clock_that_stands_still_or_steps_back_makes_no_tokens() -> None:
    bucket = TokenBucket(1, per_second=1.0, now=10.0)
    bucket.take(10.0)
    assert bucket.wait(5.0) == pytest.approx(1.0)
    assert bucket.wait(10.0) == pytest.approx(1.0)


def test_questions_leave_orders_their_share_and_orders_leave_cancels_theirs() -> None:
    b = budget()
    assert spend(b, Priority.QUESTION, now=0.0) == 120 - 22
    assert spend(b, Priority.ORDER, now=0.0) == 8  # of ten a second, two are for cancels
    assert spend(b, Priority.CANCEL, now=0.0) == 2
    # Ten of the minute's 22 kept tokens went; a second later the second's bucket is full again.
    assert spend(b, Priority.ORDER, now=1.0) == 8
    assert spend(b, Priority.QUESTION, now=1.0) == 0


def test_nothing_is_taken_by_who_has_to_wait() -> None:
    b = budget()
    spend(b, Priority.ORDER, now=0.0)
    waits = [b.consume(0.0, Priority.ORDER) for _ in range(5)]
    assert waits == pytest.approx([0.1] * 5)
    assert b.consume(0.1, Priority.ORDER) == 0.0


def test_the_venue_counting_fewer_is_believed_but_not_more() -> None:
    b = budget(minute=110)
    b.observe(0.0, {"x-ratelimit-remaining": "40", "x-ratelimit-limit": "120"})
    # 40 less the 10 of the venue's 120 that are not ours, less the 22 kept back.
    assert spend(b, Priority.QUESTION, now=0.0) == 8
    b.observe(0.0, {"x-ratelimit-remaining": "119", "x-ratelimit-limit": "120"})
    assert spend(b, Priority.QUESTION, now=0.0) == 0
    b.observe(0.0, {"x-ratelimit-remaining-1s": "3"})
    assert spend(b, Priority.ORDER, now=0.0) == 1


def test_retry_after_stops_even_cancels_until_it_has_passed() -> None:
    b = budget()
    b.observe(5.0, {"retry-after": "3"})
    assert b.consume(5.0, Priority.CANCEL) == pytest.approx(3.0)
    assert b.consume(7.5, Priority.CANCEL) == pytest.approx(0.5)
    assert b.consume(8.0, Priority.CANCEL) == 0.0


def test_headers_that_are_no_numbers_are_passed_over() -> None:
    b = budget()
    b.observe(0.0, {"x-ratelimit-remaining": "many", "x-ratelimit-limit": "120", "retry-after": "-1"})
    assert b.consume(0.0, Priority.QUESTION) == 0.0


def test_an_overloaded_venue_is_left_alone_for_half_a_second_but_for_cancels() -> None:
    b = budget()
    b.overloaded(5.0)
    assert b.consume(5.0, Priority.ORDER) == pytest.approx(0.5)
    assert b.consume(5.2, Priority.QUESTION) == pytest.approx(0.3)
    assert b.consume(5.2, Priority.CANCEL) == 0.0
    assert b.consume(5.5, Priority.ORDER) == 0.0


def test_what_is_left_is_that_of_the_tighter_limit() -> None:
    b = budget(minute=110)
    assert b.left(0.0) == 1.0
    b.observe(0.0, {"x-ratelimit-remaining": "43", "x-ratelimit-limit": "120"})
    assert b.left(0.0) == pytest.approx(33 / 110)  # 43 less the 10 that are not ours
    b.observe(0.0, {"x-ratelimit-remaining-1s": "2"})
    assert b.left(0.0) == pytest.approx(2 / 10)
    b.observe(0.0, {"retry-after": "3"})
    assert b.left(0.0) == 0.0
