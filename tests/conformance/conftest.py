"""Print what each venue was held to: a matrix of test and venue, below the summary.

``ok``, ``FAILED``, ``skip``, or ``–`` where the venue's declared capabilities give the test no meaning.
"""

from collections import defaultdict

import pytest

from tests.conformance.stages import CANDIDATES

HERE = "tests/conformance/"
WORDS = {"passed": "ok", "failed": "FAILED", "error": "FAILED", "skipped": "skip"}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    outcomes: dict[str, dict[str, str]] = defaultdict(dict)
    for outcome, word in WORDS.items():
        for report in terminalreporter.stats.get(outcome, []):
            name, _, venue = report.nodeid.rstrip("]").partition("[")
            if name.startswith(HERE) and venue in CANDIDATES:
                test = name.rpartition("::")[2].removeprefix("test_") if "::" in name else name
                outcomes[test][venue] = word
    if outcomes:
        _print(terminalreporter, outcomes)


def _print(terminal: pytest.TerminalReporter, outcomes: dict[str, dict[str, str]]) -> None:
    venues = list(CANDIDATES)
    widest = max(len(test) for test in outcomes)
    terminal.section("conformance: test × venue")
    terminal.write_line(f"{'':{widest}}  {'  '.join(venues)}")
    for test, by_venue in outcomes.items():
        cells = (f"{by_venue.get(venue, '–'):^{len(venue)}}" for venue in venues)
        terminal.write_line(f"{test:{widest}}  {'  '.join(cells)}".rstrip())
    for word in ("ok", "FAILED", "skip"):
        count = sum(list(by_venue.values()).count(word) for by_venue in outcomes.values())
        if count:
            terminal.write_line(f"{count} {word}")
