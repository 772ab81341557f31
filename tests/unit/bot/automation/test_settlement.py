"""The two settlement indices: how far apart, from when on that is said, and when it is not known."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from adapters.venue import IndexRole, IndexTold, Link, LinkState
from bot.automation.indices import Indices, indices
from bot.cli import watch_output
from bot.model.automation import AtExpiry, Automation, ExpiryLimits, SettlementLimits
from bot.model.events import Alerted
from bot.model.inputs import Compared, LoadInstrument
from bot.orders.turn import Turn
from bot.surfaces.basis_view import basis
from bot.surfaces.outlook import outlook
from risk.direction import Direction
from tests.unit.bot.desk import MBT, POLICY, XBTUSD, Desk

D = Decimal
CME_ENDS = datetime(2026, 12, 24, 16, tzinfo=UTC)
LIMITS = SettlementLimits(
    apart=D("0.0025"),
    together=D("0.0015"),
    near=timedelta(hours=72),
    converges=timedelta(hours=24),
    max_age=timedelta(seconds=30),
    steady=timedelta(seconds=60),
    pause=timedelta(minutes=60),
)
EXPIRY = ExpiryLimits(
    what=AtExpiry.SETTLE,
    warn=timedelta(0),
    lead=timedelta(0),
    inverse_window=timedelta(minutes=30),
    linear_window=timedelta(minutes=60),
    slices=6,
    pause=timedelta(hours=1),
)
DAY_BEFORE = CME_ENDS - timedelta(hours=30)
SPOT, SETTLEMENT = IndexRole.SPOT, IndexRole.SETTLEMENT
NAMES = {"bitmex": ".BXBT", "cme": "BRTI"}


def desk(now: datetime = DAY_BEFORE, *, held: bool = True) -> Desk:
    """Long 160,000 XBTUSD against short 30 MBT (3 XBT) that ends at ``CME_ENDS``; both quoted at 80,000 or near it."""
    pair = Automation(XBTUSD.id, MBT.id, Direction.LONG_INVERSE, expiry=EXPIRY, settlement=LIMITS)
    at = Desk(replace(POLICY, automation=pair, max_quote_age=timedelta(hours=1)))
    at.now = now
    at.open("1")
    at.give(LoadInstrument(replace(MBT, terms=replace(MBT.terms, expiry=CME_ENDS))))
    if held:
        at.hold(160_000, -30)
    at.give(Compared(()))
    at.quotes()
    return at


def tell(
    at: Desk, venue: str, price: str | None, role: IndexRole = SPOT, note: str = "", age: float = 0
) -> None:
    value, note = (None, note or "no data of it") if price is None else (D(price), "")
    when = None if price is None else at.now - timedelta(seconds=age)
    at.give(IndexTold(venue, role, NAMES[venue], value, when, note))


def both(at: Desk, inverse: str | None, linear: str | None, seconds: float = 0, every: float = 10) -> None:
    """Tell both indices, now and ``every`` so often until ``seconds`` have passed, and let the watches look."""
    end = at.now + timedelta(seconds=seconds)
    while True:
        tell(at, "bitmex", inverse)
        tell(at, "cme", linear)
        at.wait(0)
        if at.now >= end:
            return
        at.now = min(at.now + timedelta(seconds=every), end)


def seen(at: Desk) -> Indices:
    pair = at.policy.automation
    assert pair is not None
    return indices(Turn(at.state, at.market, at.policy, at.now), pair, LIMITS)


def said(at: Desk, code: str = "INDEX_DIVERGENCE") -> list[str]:
    return [alert.text for alert in at.told(Alerted) if alert.code == code]


def test_the_difference_is_the_linear_venues_less_the_inverse_ones() -> None:
    """Golden: 80,240 less 80,000 is 240 USD, 0.3 % of 80,000."""
    at = desk()
    both(at, "80000", "80240")
    apart = seen(at).apart
    assert apart is not None
    assert (apart.absolute, apart.percent) == (D(240), D("0.3"))
    assert seen(at).sentence == ".BXBT 80,000.00; BRTI 80,240.00: +240.00 USD, +0.300 %"
    both(at, "80000", "79760")
    assert seen(at).sentence == ".BXBT 80,000.00; BRTI 79,760.00: -240.00 USD, -0.300 %"


@pytest.mark.parametrize(("linear", "worth"), [("80240", "-720 USD"), ("79760", "+720 USD")])
def test_apart_for_long_enough_is_said_with_what_it_is_worth(linear: str, worth: str) -> None:
    """Short 3 XBT at CME: an index 240 USD higher there costs 720."""
    at = desk()
    both(at, "80000", linear, seconds=59)
    assert said(at) == []
    both(at, "80000", linear, seconds=2)
    (text,) = said(at)
    assert worth in text
    assert "cme:MBT ends Thu 2026-12-24 16:00Z" in text
    assert "from 0.25% on" in text


@pytest.mark.parametrize(("linear", "count"), [("80199", 0), ("80200", 1), ("79801", 0), ("79800", 1)])
def test_the_threshold_counts_both_ways(linear: str, count: int) -> None:
    at = desk()
    both(at, "80000", linear, seconds=90)
    assert len(said(at)) == count


def test_a_spike_between_is_not_long_enough() -> None:
    at = desk()
    both(at, "80000", "80240", seconds=50)
    both(at, "80000", "80150")
    both(at, "80000", "80240", seconds=50)
    assert said(at) == []


def test_what_was_said_to_be_over_and_begins_again_is_said_again_after_the_first_pause() -> None:
    at = desk()
    both(at, "80000", "80240", seconds=200 * 60, every=60)  # said three times: the pause is four hours by now
    assert len(said(at)) == 3
    both(at, "80000", "80100")
    assert said(at)[-1].startswith("over: ")
    both(at, "80000", "80240", seconds=61 * 60, every=60)
    assert len(said(at)) == 5
    assert not said(at)[-1].startswith("over: ")


def test_it_is_over_only_when_they_have_come_together() -> None:
    at = desk()
    both(at, "80000", "80240", seconds=70)
    both(at, "80000", "80150", seconds=300)  # 0.19 %: no more apart, and not together yet
    assert len(said(at)) == 1
    both(at, "80000", "80120")  # 0.15 %
    assert said(at)[1] == "over: .BXBT 80,000.00; BRTI 80,120.00: +120.00 USD, +0.150 %"
    both(at, "80000", "80120", seconds=300)
    assert len(said(at)) == 2


def test_reminders_come_more_and_more_rarely_and_what_grows_is_said_at_once() -> None:
    at = desk()
    both(at, "80000", "80240", seconds=119 * 60)
    assert len(said(at)) == 2  # after one minute, and an hour later
    both(at, "80000", "80240", seconds=60 * 60)
    assert len(said(at)) == 2
    both(at, "80000", "80240", seconds=3 * 60)
    assert len(said(at)) == 3  # two hours after the second
    both(at, "80000", "80296")
    assert len(said(at)) == 3
    both(at, "80000", "80304")  # a quarter more than 240, and a bit
    assert len(said(at)) == 4


def test_what_comes_and_goes_within_the_pause_is_said_once() -> None:
    at = desk()
    both(at, "80000", "80240", seconds=70)
    for _ in range(5):
        both(at, "80000", "80000")
        both(at, "80000", "80240", seconds=100)
    assert [text.startswith("over") for text in said(at)] == [False, True]


def test_nothing_is_said_long_before_an_end_nor_with_nothing_held_nor_after_it() -> None:
    early = desk(CME_ENDS - timedelta(hours=73))
    both(early, "80000", "81000", seconds=120)
    assert said(early) == []
    assert seen(early).apart is not None
    flat = desk(held=False)
    both(flat, "80000", "81000", seconds=120)
    assert said(flat) == []
    late = desk(CME_ENDS + timedelta(minutes=1))
    both(late, "80000", "81000", seconds=120)
    assert said(late) == []


@pytest.mark.parametrize(("fresh", "old"), [("bitmex", "cme"), ("cme", "bitmex")])
def test_old_on_one_side_is_compared_with_nothing(fresh: str, old: str) -> None:
    at = desk()
    tell(at, old, "81000")
    at.now += timedelta(seconds=31)
    tell(at, fresh, "80000")
    found = seen(at)
    assert found.apart is None
    assert found.sentence == f"not compared: {NAMES[old]} not known (older than 30 s)"
    tell(at, old, "81000", age=30)
    assert seen(at).apart is not None


def test_a_link_that_is_down_makes_its_index_unknown_at_once() -> None:
    at = desk()
    both(at, "80000", "80240")
    at.give(Link("bitmex", LinkState.DOWN, at.now, "cut"))
    assert seen(at).sentence == "not compared: .BXBT not known (bitmex is not linked)"


def test_a_value_of_nobody_knows_when_is_not_of_now() -> None:
    at = desk()
    tell(at, "bitmex", "80000")
    at.give(IndexTold("cme", SPOT, "BRTI", D(80_000), None))
    assert seen(at).sentence == "not compared: BRTI not known (cme does not say of when its last value is)"


def test_no_index_at_all_is_said_once_for_each_reason() -> None:
    at = desk()
    assert seen(at).sentence.startswith(
        "not compared: bitmex's index not known (the venue has not told it yet); "
    )
    both(at, "80000", None, seconds=59)
    assert said(at, "INDEX_UNKNOWN") == []
    both(at, "80000", None, seconds=2)
    (text,) = said(at, "INDEX_UNKNOWN")
    assert text == (
        "cme:MBT ends Thu 2026-12-24 16:00Z, and the indices are not compared: BRTI not known (no data of it)"
    )
    both(at, "80000", None, seconds=2 * 3600, every=25)
    assert len(said(at, "INDEX_UNKNOWN")) == 1
    at.give(Link("bitmex", LinkState.DOWN, at.now, "cut"))
    both(at, "80000", None, seconds=120)
    assert len(said(at, "INDEX_UNKNOWN")) == 2
    assert said(at) == []


def test_in_its_last_day_the_contract_itself_stands_in_for_an_index_that_is_not_told() -> None:
    at = desk(CME_ENDS - timedelta(hours=25))
    at.give(IndexTold("cme", SPOT, "BRTI", None, None, "the broker lists no index BRTI at CME"))
    tell(at, "bitmex", "80000")
    assert seen(at).apart is None
    at.now = CME_ENDS - timedelta(hours=24)
    at.quotes()
    tell(at, "bitmex", "80000")
    found = seen(at)
    assert found.apart is not None
    assert found.linear.stand_in == MBT.id
    mid = at.market.quotes[MBT.id].mid
    assert found.apart.linear == mid
    assert "cme:MBT itself" in found.sentence
    assert "in place of BRTI (the broker lists no index BRTI at CME)" in found.sentence
    # With neither index there is nothing to compare it with.
    at.give(Link("bitmex", LinkState.DOWN, at.now, "cut"))
    assert seen(at).apart is None


def test_what_stands_in_is_alerted_as_an_index_is() -> None:
    at = desk(CME_ENDS - timedelta(hours=3))
    at.give(IndexTold("cme", SPOT, "BRTI", None, None, "no data"))
    mid = at.market.quotes[MBT.id].mid
    assert mid is not None
    low = str(mid * D("0.99"))
    for _ in range(8):
        at.quotes()
        tell(at, "bitmex", low)
        at.wait(10)
    (text,) = said(at)
    assert "cme:MBT itself" in text


def test_a_loss_of_sight_starts_the_time_anew() -> None:
    at = desk()
    both(at, "80000", "80240", seconds=50)
    both(at, "80000", None, seconds=10)
    both(at, "80000", "80240", seconds=50)
    assert said(at) == []


def test_what_of_an_average_is_fixed_already() -> None:
    at = desk(CME_ENDS - timedelta(minutes=61))
    assert seen(at).averaging == ()
    at.now = CME_ENDS - timedelta(minutes=15)
    (one,) = seen(at).averaging
    assert (one.instrument, one.share) == (MBT.id, D("0.75"))


def test_before_a_venue_was_reached_the_status_says_what_is_missing() -> None:
    at = desk()
    empty = Desk(at.policy)
    empty.now = at.now
    empty.link("bitmex")
    tell(empty, "bitmex", "80000")
    view = outlook(empty.state, empty.market, empty.policy, empty.now)["indices"]
    assert view["text"] == "not compared: cme's index not known (the venue has not told it yet)"


def test_the_status_shows_all_of_it() -> None:
    at = desk(CME_ENDS - timedelta(minutes=30))
    both(at, "80000", "80240.5")
    at.give(IndexTold("bitmex", SETTLEMENT, ".BXBT30M", D("79990"), at.now))
    view = outlook(at.state, at.market, at.policy, at.now)["indices"]
    assert (view["usd"], view["percent"]) == ("240.5", "0.3006")
    assert view["inverse"] == {
        "venue": "bitmex",
        "index": ".BXBT",
        "price": "80000",
        "problem": None,
        "stand_in": None,
    }
    assert view["settlements"][0]["price"] == "79990"
    assert view["averaging"] == [
        {"instrument": "cme:MBT", "ends": CME_ENDS.isoformat(), "fixed_percent": "50"}
    ]
    without = replace(at.policy, automation=replace(at.policy.automation, settlement=None))  # type: ignore[type-var]
    assert outlook(at.state, at.market, without, at.now)["indices"] is None


def test_limits_that_contradict_one_another_are_refused() -> None:
    with pytest.raises(ValueError, match="nearer"):
        replace(LIMITS, together=LIMITS.apart)


def test_the_ledger_hears_of_alerts_alone() -> None:
    at = desk()
    before = len(at.events)
    both(at, "80000", "80010", seconds=300)
    assert len(at.events) == before


def test_the_basis_shows_each_index_beside_its_contract(capsys: pytest.CaptureFixture[str]) -> None:
    at = desk()
    tell(at, "bitmex", "80000.25", age=2)
    tell(at, "cme", None, note="the broker sends no data of it: not subscribed [354]")
    view = basis(at.state, at.market, XBTUSD.id, MBT.id, at.now)
    assert view["indices"] == [
        {
            "venue": "cme",
            "index": "BRTI",
            "price": None,
            "age_seconds": None,
            "problem": "the broker sends no data of it: not subscribed [354]",
        },
        {"venue": "bitmex", "index": ".BXBT", "price": "80000.25", "age_seconds": 2.0, "problem": None},
    ]
    watch_output.basis(view)
    shown = " ".join(capsys.readouterr().out.split())
    assert "index .BXBT 80,000.25 2.0 s old" in shown
    assert "BRTI not known (the broker sends no data of it: not subscribed [354])" in shown
    at.market.indices.clear()
    assert basis(at.state, at.market, XBTUSD.id, MBT.id, at.now)["indices"] == []


def test_while_a_leg_is_rolled_the_month_that_ends_is_what_settles() -> None:
    """Two of three XBT stand in a later month already: 240 USD cost 240 on the one that is left."""
    at = desk(held=False)
    later = replace(
        MBT,
        id=replace(MBT.id, symbol="MBTH27"),
        terms=replace(MBT.terms, expiry=datetime(2027, 3, 25, 16, tzinfo=UTC)),
    )
    at.load(later)
    pair = at.policy.automation
    assert pair is not None
    at.policy = replace(at.policy, automation=replace(pair, next_linear=later.id))
    at.hold(240_000, -10)
    at.state.positions[later.id] = -20
    both(at, "80000", "80240", seconds=70)
    assert "-240 USD on the 1.00 XBT held there" in said(at)[0]
