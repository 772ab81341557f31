"""What somebody has sent and nobody has seen arrive: told once it should long have been there."""

from datetime import datetime

from bot.automation.reminding import LONGEST, remind
from bot.model.automation import MarginLimits
from bot.model.transfer_book import Transfer
from bot.model.transfers import OUTSIDE
from bot.orders.turn import Turn
from risk.money import Currency, Money

# Money is late after so many times what it usually takes: a wire of a day may lie over a weekend.
_LATE_AFTER = 3


def is_late(transfer: Transfer, limits: MarginLimits, now: datetime) -> bool:
    """Say whether a transfer should have arrived (or left, where it has not) long before ``now``."""
    takes = limits.xbt_takes if transfer.currency is Currency.XBT else limits.wire_takes
    return now - transfer.at >= _LATE_AFTER * takes


def watch(turn: Turn, limits: MarginLimits) -> None:
    """Tell, every day, of each transfer that is late."""
    for transfer in turn.state.moves.open():
        if not is_late(transfer, limits, turn.now):
            continue
        recorded = transfer.recorded
        counts = "; Δ counts it as yours until you say otherwise" if transfer.currency is Currency.XBT else ""
        place = "outside" if recorded.target == OUTSIDE else recorded.target
        remind(
            turn,
            "TRANSFER_LATE",
            f"transfer {recorded.transfer_id}: {Money(transfer.currency, transfer.expected)} for {place}, recorded "
            f"{transfer.at:%F %R}Z, {'have not arrived' if transfer.has_left else 'have not left'}{counts}, and no "
            "account is taken to get it",
            recorded.transfer_id,
            first=LONGEST,
        )
