"""What the runner makes of a script's lines: well only if every step is there and went well."""

import json

import pytest

from tests.clients.run import CLIENTS, line, outcome
from tests.clients.steps import AMEND, BALANCE, CANCEL, STEPS, StepFailed, expect, hold, step, wait

ALL_WELL = [{"step": name, "ok": True, "text": "seen"} for name in STEPS]


def lines(*told: dict[str, object]) -> str:
    return "".join(json.dumps(line) + "\n" for line in told)


def test_all_steps_well() -> None:
    done = outcome(CLIENTS[0], lines(*ALL_WELL), "")
    assert (done.failed, list(done.seen)) == (None, list(STEPS))


def test_a_line_says_what_was_seen() -> None:
    told = [{"step": AMEND, "ok": True, "text": "2 @ 79685"}, {"step": CANCEL, "ok": True, "text": "202"}]
    done = outcome(CLIENTS[1], lines(*told), "")
    assert line(done) == f"ibapi: 2 of {len(STEPS)} steps; amend: 2 @ 79685, cancel: 202"
    assert line(outcome(CLIENTS[1], "", "")) == f"ibapi: 0 of {len(STEPS)} steps"


def test_a_step_that_failed_is_named_with_its_words() -> None:
    failed = {"step": CANCEL, "ok": False, "text": "StepFailed: still open"}
    done = outcome(CLIENTS[0], lines(*ALL_WELL[: STEPS.index(CANCEL)], failed), "")
    assert (done.failed, done.words) == (CANCEL, "StepFailed: still open")
    assert AMEND in done.seen


def test_a_script_that_ends_early_has_failed_at_the_step_it_did_not_reach() -> None:
    assert outcome(CLIENTS[0], "", "Traceback").failed == STEPS[0]
    early = outcome(CLIENTS[0], lines(*ALL_WELL[:-1]), "")
    assert (early.failed, early.words) == (BALANCE, "the script ended early")


def test_a_script_that_ends_badly_has_failed_though_every_step_went_well() -> None:
    done = outcome(CLIENTS[0], lines(*ALL_WELL), "no end within 150 s")
    assert (done.failed, done.words) == (BALANCE, "no end within 150 s")


def test_a_step_tells_what_it_saw_and_ends_the_script_if_it_fails(capsys: pytest.CaptureFixture[str]) -> None:
    with step("one") as note:
        note.text = "as it should be"
    with pytest.raises(SystemExit), step("two"):
        expect(1, 2, "the count")
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert told == [
        {"step": "one", "ok": True, "text": "as it should be"},
        {"step": "two", "ok": False, "text": "StepFailed: the count is 1, not 2"},
    ]
    wait(lambda: True, "nothing")
    with pytest.raises(StepFailed, match="no order"):
        hold(False, "no order")
