"""A ladder of protective stops: beyond what the account is sized to survive, and before its liquidation.

Stops take the loss they are there to limit, so they come last: after the reduction that lets both accounts survive the
configured excursion, and only where the collateral does not reach far enough by itself. The first rung lies where that
excursion ends, the last one a margin before the liquidation, for the venue liquidates before it looks at a stop.
"""

from dataclasses import dataclass
from decimal import Decimal

from risk.distance import inverse_liquidation
from risk.instruments import Instrument
from risk.orders import Side
from risk.sizing import split_tranches
from risk.survival import Account
from risk.terms import Rounding


@dataclass(frozen=True, slots=True)
class StopRung:
    """``trigger``: USD per XBT, on the venue's mark price."""

    trigger: Decimal
    contracts: int


@dataclass(frozen=True, slots=True)
class StopLadder:
    """``limit``: the worst price any rung trades at, where the account is liquidated anyway. The first rung is the
    nearest. ``stopped``: XBT lost from here if each rung fills at its trigger, before fees; ``liquidated``: what there
    is to lose without them, the whole equity."""

    side: Side
    limit: Decimal
    rungs: tuple[StopRung, ...]
    stopped: Decimal
    liquidated: Decimal

    @property
    def contracts(self) -> int:
        return sum(rung.contracts for rung in self.rungs)


def stop_ladder(
    instrument: Instrument,
    contracts: int,
    account: Account,
    excursion: Decimal,
    maintenance: Decimal,
    margin: Decimal,
    rungs: int,
) -> StopLadder | None:
    """Return the ladder for ``contracts`` (signed) of an inverse contract; None where no price liquidates it, or the
    price stands beyond the last rung already.

    ``excursion``: the move survived without stops, a signed fraction of the price. ``margin``: from the liquidation to
    the last rung, a fraction of the liquidation price. Where the two leave no room, all of it rests on the last rung.
    """
    liquidation = inverse_liquidation(account, maintenance)
    if liquidation is None or not contracts:
        return None
    side = Side.SELL if contracts > 0 else Side.BUY
    # Away from the liquidation, whichever way that lies.
    outwards = Rounding.UP if side is Side.SELL else Rounding.DOWN
    limit = instrument.terms.to_tick(liquidation, outwards)
    last = instrument.terms.to_tick(liquidation * (1 - side.sign * margin), outwards)
    if (account.price - last) * side.sign >= 0:
        return None
    first = instrument.terms.to_tick(account.price * (1 + excursion), outwards)
    many = min(rungs, abs(contracts) // instrument.terms.lot)
    if (first - last) * side.sign >= 0 or many == 1:
        triggers = [last]
    else:
        step = (last - first) / (many - 1)
        triggers = [instrument.terms.to_tick(first + step * number, outwards) for number in range(many)]
        triggers = sorted(set(triggers), reverse=side is Side.SELL)
    sizes = split_tranches(instrument, abs(contracts), len(triggers))
    ladder = tuple(StopRung(trigger, size) for trigger, size in zip(triggers, sizes, strict=True))
    return StopLadder(side, limit, ladder, _lost(instrument, account, side, ladder), account.equity)


def _lost(instrument: Instrument, account: Account, side: Side, rungs: tuple[StopRung, ...]) -> Decimal:
    return sum(
        (
            -side.sign
            * (instrument.xbt(rung.contracts, rung.trigger) - instrument.xbt(rung.contracts, account.price))
            for rung in rungs
        ),
        Decimal(0),
    )
