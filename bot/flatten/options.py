"""What a person can ask of the emergency command beside getting flat."""

from dataclasses import dataclass

LANDING = 12.0
"""Seconds an order that left before the latch fell may take to reach its venue: longer than a signature lives at the
inverse venue, and than the bot waits for an order's first word. An order of a dead bot is dead by then, or visible."""


@dataclass(frozen=True, slots=True)
class Options:
    """``strip_hedge``: close each leg by itself, although the other may be closed or silent. ``hold_hedge``: keep as
    much of a short as the inverse venue's wallet is long. ``everything``: cancel every order of both accounts.
    ``watch``: seconds after the latch in which the venues are not believed to stay as they are.
    """

    strip_hedge: bool = False
    hold_hedge: bool = False
    everything: bool = False
    watch: float = LANDING
