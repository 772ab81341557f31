"""What is wrong with a configuration, one line a fault, so that a person can mend it in one go."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: where it stands, which key, and what is wrong and allowed. Never holds a secret."""

    source: str
    key: str
    text: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.source, self.key, self.text) if part)


class ConfigError(Exception):
    """The configuration cannot be used. ``str(error)`` has one line for each of ``problems``."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems
