"""For every test: one Hypothesis profile, and no skips where nothing may be missing."""

import os
from collections.abc import Generator

import hypothesis
import pytest
import structlog

STRICT = os.environ.get("BASISBOT_STRICT") == "1"

# The machines are shared and slow at times: a deadline would measure them. Strict runs repeat exactly.
hypothesis.settings.register_profile("house", deadline=None, derandomize=STRICT)
hypothesis.settings.load_profile("house")


@pytest.fixture(autouse=True)
def _log_settings() -> Generator[None]:
    """What a test does to the log is over with it: a simulated life mutes it, and the next test reads it."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def _no_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if STRICT and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"skipped in a strict run (BASISBOT_STRICT=1): {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _no_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _no_skip(report)
    return report
