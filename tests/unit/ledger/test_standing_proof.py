"""The proof recomputes what went under a standing approval: a ledger tampered with does not pass."""

from dataclasses import replace

import pytest

from bot.ledger.proof import Proof
from bot.model.events import (
    InstrumentLoaded,
    StandingGranted,
    StandingRevoked,
    TicketApproved,
    TicketRaised,
    TrancheFinished,
)
from bot.model.ids import LegKey, Role
from risk.approval import Purpose
from risk.direction import Direction
from risk.orders import Side
from risk.standing import StandingApproval, Use, scopes_for
from tests.unit.ledger.story import (
    MBT,
    XBTUSD,
    Chain,
    D,
    approved,
    at,
    fill,
    intended,
    plan_proposed,
    standing,
    ticket,
)

DAY = 24 * 3600


def problems(chain: Chain) -> list[str]:
    proof = Proof()
    return [line for recorded in chain.recorded for line in proof.see(recorded)] + proof.unresolved()


class Story(Chain):
    """Tranches of 0.1 XBT that a standing approval answers: sold at CME, bought back at BitMEX."""

    def __init__(self, given: StandingApproval | None = None, granted_at: float = 0) -> None:
        super().__init__(InstrumentLoaded(XBTUSD), InstrumentLoaded(MBT), plan_proposed())
        if given is not None:
            self.add(StandingGranted(given), granted_at)

    def tranche(
        self, number: int, seconds: float, fills: int | None = 1, by: str = "s1", **changes: object
    ) -> None:
        """Approve one under ``by`` and work it; ``fills`` None: it is still going on."""
        self.approve(number, seconds, by, **changes)
        if fills is None:
            return
        key = LegKey("plan1", number, Role.WORKING)
        self.add(intended(key, 1, MBT, Side.SELL, 1, "10000", Purpose.WORK), seconds + 1)
        if fills:
            order = key.client_order_id(1)
            self.add(fill(f"c{number}", MBT, Side.SELL, 1, "10000", order=order), seconds + 2)
        self.add(TrancheFinished("plan1", number, "0"), seconds + 3)

    def approve(self, number: int, seconds: float, by: str = "s1", **changes: object) -> None:
        working = ticket(LegKey("plan1", number, Role.WORKING), MBT, Side.SELL, "1", "9000", "11000")
        hedge = ticket(LegKey("plan1", number, Role.HEDGE), XBTUSD, Side.BUY, "0.11", "7000", "9000")
        for each, purpose in ((working, Purpose.WORK), (hedge, Purpose.HEDGE)):
            each = replace(each, approve_by=at(seconds + 300))
            self.add(TicketRaised(each), seconds)
            fields: dict[str, object] = {"approved_at": at(seconds), "execute_by": at(seconds + 60)}
            given = approved(each, purpose, Purpose.CONTINGENCY, **(fields | changes))  # type: ignore[arg-type]
            self.add(replace(given, standing=by), seconds)


def test_what_was_kept_is_proved() -> None:
    story = Story(standing())
    story.tranche(1, 10)
    assert problems(story) == []


def test_none_was_ever_given() -> None:
    story = Story()
    story.tranche(1, 10, fills=None)
    assert problems(story) == [
        f"event {seq}: approval plan1-01{role}: no earlier standing approval s1"
        for seq, role in ((5, "w"), (7, "h"))
    ]


def test_given_only_afterwards() -> None:
    story = Story()
    story.tranche(1, 10, fills=None)
    story.add(StandingGranted(standing()), 20)
    assert len(problems(story)) == 2


def test_revoked_before() -> None:
    story = Story(standing())
    story.tranche(1, 10, fills=0)
    story.add(StandingRevoked("s1", "anna", "enough"), 20)
    story.tranche(2, 30, fills=None)
    assert all("that was revoked before" in line for line in problems(story))
    assert len(problems(story)) == 2


def test_a_working_order_after_its_revocation() -> None:
    story = Story(standing())
    story.approve(1, 10)
    story.add(StandingRevoked("s1", "anna", "enough"), 20)
    key = LegKey("plan1", 1, Role.WORKING)
    story.add(intended(key, 1, MBT, Side.SELL, 1, "10000", Purpose.WORK), 30)
    (found,) = problems(story)
    assert found.endswith("order plan1-01w-001: standing approval s1 was revoked before it")


def test_a_hedge_after_its_revocation_is_right() -> None:
    story = Story(standing())
    story.approve(1, 10)
    key = LegKey("plan1", 1, Role.WORKING)
    story.add(intended(key, 1, MBT, Side.SELL, 1, "10000", Purpose.WORK), 11)
    story.add(StandingRevoked("s1", "anna", "enough"), 20)
    story.add(fill("c1", MBT, Side.SELL, 1, "10000", order=key.client_order_id(1)), 21)
    hedge = LegKey("plan1", 1, Role.HEDGE)
    story.add(intended(hedge, 1, XBTUSD, Side.BUY, 800, "8000", Purpose.HEDGE), 22)
    assert problems(story) == []


def test_after_its_end() -> None:
    story = Story(standing(ends_at=at(100)))
    story.tranche(1, 100, fills=None)
    assert {line.split(": ", 2)[2] for line in problems(story)} == {
        "it lasts beyond its end, 2026-11-02T09:01:40+00:00"
    }


def test_its_new_work_may_not_outlast_it() -> None:
    story = Story(standing(ends_at=at(69)))
    story.tranche(1, 10, fills=None)  # its approvals last until 70
    assert len(problems(story)) == 2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"scopes": scopes_for([Use.CLOSE], Direction.LONG_INVERSE, XBTUSD.id, MBT.id)},
            "it does not hold to sell ibkr:MBT for open",
        ),
        (
            {"scopes": scopes_for([Use.OPEN], Direction.SHORT_INVERSE, XBTUSD.id, MBT.id)},
            "it does not hold to sell ibkr:MBT for open",
        ),
        ({"price_low": D(9_001)}, "its prices are beyond 9001 to 15000"),
        ({"price_high": D(10_999)}, "its prices are beyond 5000 to 10999"),
        ({"min_basis": D(100)}, "its basis limit is not within 100 to None"),
        ({"max_ticket_xbt": D("0.05")}, "more than the largest ticket, 0.05"),
        ({"daily_xbt": D("0.09")}, "it brings 2026-11-02 to 0.1 XBT, of 0.09 a day"),
        ({"by": "ben"}, "it names anna, that was given by ben"),
    ],
)
def test_what_it_did_not_hold(given: dict[str, object], words: str) -> None:
    story = Story(standing(**given))
    story.approve(1, 10)
    assert any(words in line for line in problems(story)), problems(story)


def test_a_days_budget() -> None:
    story = Story(standing())
    story.tranche(1, 10)
    story.tranche(2, 20, fills=None)
    assert problems(story) == [
        "event 13: approval plan1-02w under standing approval s1: it brings 2026-11-02 to 0.2 XBT, of 0.15 a day"
    ]


def test_the_next_day_has_its_own_and_the_whole_counts_on() -> None:
    story = Story(standing(ends_at=at(5 * DAY)))
    story.tranche(1, 10)
    story.tranche(2, DAY)
    assert problems(story) == []
    story.tranche(3, 2 * DAY, fills=None)
    (found,) = problems(story)
    assert found.endswith("it brings all of it to 0.3 XBT, of 0.25")


def test_a_day_is_of_the_clock_in_utc_not_of_24_hours() -> None:
    # 09:00 and 10 seconds; 15 hours later it is the next day.
    story = Story(standing(ends_at=at(5 * DAY)))
    story.tranche(1, 10)
    story.tranche(2, 15 * 3600 - 60, fills=None)
    (found,) = problems(story)
    assert "it brings 2026-11-02 to 0.2 XBT" in found
    story = Story(standing(ends_at=at(5 * DAY)))
    story.tranche(1, 10)
    story.tranche(2, 15 * 3600, fills=None)
    assert problems(story) == []


def test_what_did_not_fill_takes_nothing_once_its_tranche_is_over() -> None:
    story = Story(standing())
    story.tranche(1, 10, fills=0)
    story.tranche(2, 20)
    assert problems(story) == []


def test_what_goes_on_counts_in_full() -> None:
    story = Story(standing())
    story.tranche(1, 10, fills=None)
    story.tranche(2, 20, fills=None)
    (found,) = problems(story)
    assert "to 0.2 XBT, of 0.15 a day" in found


def test_an_order_larger_than_one_action_may_be() -> None:
    story = Story(standing(max_delta_xbt=D("0.05")))
    story.tranche(1, 10)
    (found,) = problems(story)
    assert "its 0.1 XBT are more than the 0.05 by which standing approval s1 lets Δ change" in found


def test_given_and_revoked_as_it_should_be() -> None:
    chain = Chain(StandingGranted(standing()))
    chain.add(StandingGranted(standing()))
    chain.add(StandingGranted(standing(standing_id="s2", by="")))
    chain.add(StandingGranted(standing(standing_id="s3", ends_at=at(0))))
    chain.add(StandingRevoked("s9", "anna", "which"))
    chain.add(StandingRevoked("s1", "", "enough"))
    chain.add(StandingRevoked("s1", "anna", "again"))
    assert [line.partition(": ")[2] for line in problems(chain)] == [
        "standing approval s1 is in the ledger twice",
        "standing approval s2 was given by nobody",
        "standing approval s3 ended before it was given, 2026-11-02T09:00:00+00:00",
        "standing approval s9 is revoked, and was never given",
        "standing approval s1 is revoked without a person or a reason",
        "standing approval s1 is revoked, and was revoked before",
    ]


def test_an_approval_of_nobody_is_named() -> None:
    story = Story()
    story.approve(1, 10, by="", approved_by="")
    assert any("was given by nobody" in line for line in problems(story))


def test_the_approvals_of_a_story_name_their_standing_one() -> None:
    story = Story(standing())
    story.tranche(1, 10)
    assert {
        recorded.event.standing for recorded in story.recorded if isinstance(recorded.event, TicketApproved)
    } == {"s1"}
