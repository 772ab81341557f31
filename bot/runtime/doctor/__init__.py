"""``basisbot doctor``: everything the bot needs, looked at; nothing traded, nothing changed."""

from bot.runtime.doctor.examine import Report, examine
from bot.runtime.doctor.finding import Finding, Grade, Trouble

__all__ = ["Finding", "Grade", "Report", "Trouble", "examine"]
