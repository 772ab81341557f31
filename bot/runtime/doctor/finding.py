"""What the doctor says: one thing looked at, how it is, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """WARN: the bot works, but a person should know. FAIL: it does not work, or not safely."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Trouble(StrEnum):
    """Which kind of failure it is; the command's exit code follows it."""

    SETTINGS = "settings"
    UNREACHABLE = "unreachable"
    LEDGER = "ledger"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Finding:
    """``subject``: what was looked at (a venue, this machine …). ``todo``: empty where nothing is to be done."""

    subject: str
    name: str
    grade: Grade
    text: str
    todo: str = ""
    trouble: Trouble = Trouble.OTHER


@dataclass(frozen=True, slots=True)
class About:
    """Makes findings about one subject."""

    subject: str

    def ok(self, name: str, text: str) -> Finding:
        return Finding(self.subject, name, Grade.OK, text)

    def warn(self, name: str, text: str, todo: str) -> Finding:
        return Finding(self.subject, name, Grade.WARN, text, todo)

    def fail(self, name: str, text: str, todo: str, trouble: Trouble = Trouble.OTHER) -> Finding:
        return Finding(self.subject, name, Grade.FAIL, text, todo, trouble)
