"""All of it, in the order in which a person would look: from the inside out."""

import asyncio
from dataclasses import asdict, dataclass
from typing import Any

from adapters.clock import Clock
from bot.runtime.doctor import machine, profile
from bot.runtime.doctor.finding import Finding, Grade, Trouble
from bot.runtime.doctor.venue import VenueExam
from bot.runtime.venues import build
from config.errors import ConfigError
from config.settings import Settings

EXIT = {Trouble.SETTINGS: 2, Trouble.UNREACHABLE: 3, Trouble.LEDGER: 4, Trouble.OTHER: 1}


@dataclass(frozen=True, slots=True)
class Report:
    findings: tuple[Finding, ...]

    @property
    def failures(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.grade is Grade.FAIL]

    @property
    def exit_code(self) -> int:
        """0: nothing failed. Else by the gravest: settings (2), a venue (3), the ledger (4), anything else (1)."""
        troubles = {finding.trouble for finding in self.failures}
        return next((code for trouble, code in EXIT.items() if trouble in troubles), 0)

    def as_json(self) -> dict[str, Any]:
        return {"ok": not self.failures, "findings": [asdict(finding) for finding in self.findings]}


async def examine(settings: Settings, clock: Clock) -> Report:
    """Look at everything, a running bot beside it or not. Raises nothing a person could have caused."""
    found: list[Finding] = [
        *machine.python(),
        *profile.profile(settings),
        *machine.disk(settings, clock),
        *await asyncio.to_thread(lambda: list(machine.ledger(settings, clock))),
        *machine.latch(settings),
    ]
    found += await profile.broker(settings)
    try:
        venues = build(settings, clock, for_doctor=True)
    except ConfigError:
        return Report(tuple(found))  # the keys: said above
    exams = (
        VenueExam(
            venues.inverse,
            venues.inverse_id.symbol,
            settings.limits,
            clock,
            later=[key.symbol for key in venues.inverses[1:]],
        ),
        VenueExam(
            venues.linear,
            venues.linear_id.symbol,
            settings.limits,
            clock,
            later=[key.symbol for key in venues.months[1:]],
        ),
    )
    for one in await asyncio.gather(*(exam.run() for exam in exams)):
        found += one
    return Report(tuple(found))
