"""``make margin-actions``: what each spread asks for while the price goes up and down, as the whole bot finds it out.

The guides' two spreads (spot 8,000, leverage 5, five XBT at the inverse venue) are opened by the bot between two
exchanges that keep books and margin of their own, in virtual time. Then both prices go, per cent by per cent. Whatever
money the bot asks for a person sends, as long as somebody is there; what it offers back is withdrawn as far as the
venue lets it go. Nothing here knows which account a move hurts, or what is to be sold for it: the table is what
happened.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

from adapters.simulator.exchange.catalog import mbt, xbtusd
from adapters.simulator.exchange.refusal import ExchangeRefusal
from bot.automation.margin import NextHedge, next_hedges, sentence, standings
from bot.model.automation import Automation, Collateral, MarginLimits
from bot.model.events import FillBooked
from bot.model.inputs import Done, FinishTransfer, RecordTransfer
from bot.model.plans import Cause, PlanStatus
from bot.model.transfers import OUTSIDE
from bot.orders.market import Advice
from bot.orders.turn import Turn
from bot.runtime.logs import silent
from risk.direction import Direction
from risk.instruments import InstrumentId
from risk.money import Currency, Money
from risk.orders import Cause as FillCause
from tests.simulation.stage import ACCOUNT, INVERSE, UNIT, Stage
from tests.unit.bot.desk import POLICY

RATE = 200_000  # the guides' 20 %, in millionths
FUTURE = replace(
    mbt(2026, 12),
    initial_margin_long=RATE,
    initial_margin_short=RATE,
    maintenance_margin_long=RATE,
    maintenance_margin_short=RATE,
)
LINEAR = InstrumentId("cme", FUTURE.symbol)
PRICES = {Direction.LONG_INVERSE: (8_000, 10_000), Direction.SHORT_INVERSE: (10_000, 8_000)}
SIZE, WALLET = Decimal(25), Decimal(5)
CASH = {Direction.LONG_INVERSE: 110_000, Direction.SHORT_INVERSE: 80_000}
LIMITS = MarginLimits(
    last=Decimal("0.05"),
    top_up=Decimal("0.12"),
    aim=Decimal("0.16"),
    release=Decimal("0.3"),
    broker_rate=Decimal("0.2"),
    pause=timedelta(minutes=30),
    wire_takes=timedelta(hours=24),
    xbt_takes=timedelta(hours=2),
)
_MOMENT = timedelta(seconds=1)
_QUIET = 8
"""Seconds in which nothing is asked for, and nothing at work, before the price goes on."""


@dataclass
class Row:
    """What came of one move: XBT and USD sent to each venue and withdrawn, the first words of each, contracts traded
    as the collateral's hedge, who was liquidated; how each account stands at the end. ``table``: where the bot said at
    the start that its next hedges would be due; ``topped``: at which price how much XBT had been sent in all."""

    direction: Direction
    hedged: bool
    move: Decimal
    sent: Counter[tuple[str, Currency]] = field(default_factory=Counter)
    released: Counter[tuple[str, Currency]] = field(default_factory=Counter)
    says: dict[tuple[str, Currency, bool], str] = field(default_factory=dict)
    hedges: Counter[InstrumentId] = field(default_factory=Counter)
    liquidations: int = 0
    reductions: int = 0
    naked: Decimal = Decimal(0)
    stands: str = ""
    table: list[NextHedge] = field(default_factory=list)
    topped: list[tuple[int, Decimal]] = field(default_factory=list)


class Bed(Stage):
    """The stage at a spread's own prices, with its own money."""

    def __init__(self, direction: Direction, *, hedged: bool) -> None:
        self.at = PRICES[direction]
        self.tick = 0
        self.direction = direction
        # Who does not have the collateral hedged names it as bitcoin of their own, which they want to keep.
        self.target = Decimal(0) if hedged else WALLET
        pair = Automation(
            INVERSE,
            LINEAR,
            direction,
            self.target,
            collateral=Collateral(band=Decimal("0.1"), pause=_MOMENT, steady=_MOMENT),
            margin=LIMITS,
        )
        policy = replace(
            POLICY,
            automation=pair,
            max_plan_xbt=Decimal(100),
            max_unattended_delta=Decimal(5),
            max_order_notional=Decimal(10_000_000),
            max_quote_age=timedelta(seconds=10),
        )
        super().__init__(policy, (xbtusd(), FUTURE))
        for exchange, before, wanted in zip(
            self.exchanges, (20, 50_000_000), (int(WALLET), CASH[direction]), strict=True
        ):
            exchange.deposit(ACCOUNT, (wanted - before) * UNIT)
        self.clock.elapsed += 1  # the deposits are before the books

    def market(self, price: int = 0, basis: int = 0, size: int = 10**8) -> None:
        """Both books where the prices are, one tick up and down: a book that stands still is not believed."""
        self.tick = 1 - self.tick
        inverse, linear = self.at
        super().market(inverse, linear - inverse, size + self.tick)
        for exchange in self.exchanges:
            exchange.step()

    def move(self, fraction: Decimal) -> None:
        inverse, linear = PRICES[self.direction]
        self.at = round(inverse * (1 + fraction)), 5 * round(linear * (1 + fraction) / 5)

    async def settle(self, row: Row) -> None:
        """Approve what is proposed and send what is asked for, until nothing has been for a while."""
        quiet = 0
        for _ in range(600):
            self.market()
            await asyncio.sleep(1)
            await self.approve()
            busy = bool(self.engine.state.active_plans())
            for advice in list(self.engine.market.advice.values()):
                busy = await self.answer(row, advice) or busy
            quiet = 0 if busy else quiet + 1
            if quiet >= _QUIET:
                return
        raise RuntimeError(f"{row.direction} at {self.at}: never at rest: {self.engine.market.waiting}")

    async def answer(self, row: Row, advice: Advice) -> bool:
        """Carry an instruction out, an offer as far as the venue lets money go. Returns whether anything moved."""
        index = 0 if advice.venue == INVERSE.venue else 1
        exchange, brings = self.exchanges[index], advice.amount > 0
        units = Money.of(advice.currency, abs(advice.amount)).units
        if not brings:
            units = min(units, exchange.account(ACCOUNT).withdrawable)
        amount = Money(advice.currency, units)
        # Less is not worth its fees.
        if amount.amount < (Decimal("0.05") if advice.currency is Currency.XBT else Decimal(500)):
            return False
        pair = self.policy.automation
        if pair is None:
            return False
        row.says.setdefault((advice.venue, advice.currency, brings), sentence(advice, pair, LIMITS))
        name = f"t{len(self.engine.state.moves.transfers) + 1}"
        places = (OUTSIDE, advice.venue) if brings else (advice.venue, OUTSIDE)
        await self._say(RecordTransfer(name, amount, *places, "anna", "as asked", ("cme",)))
        try:
            exchange.deposit(ACCOUNT, units if brings else -units)
        except ExchangeRefusal:
            raise RuntimeError(f"{advice.venue} does not let {amount} go") from None
        if brings and index:  # the broker tells no deposits: whoever sent it says that it is there
            await self._say(FinishTransfer(name, "anna", "there", ("cme",), amount.amount))
        moved = row.sent if brings else row.released
        moved[advice.venue, advice.currency] += units
        if brings and advice.currency is Currency.XBT:
            row.topped.append((self.at[0], Money(Currency.XBT, moved[advice.venue, Currency.XBT]).amount))
        return True

    async def _say(self, command: RecordTransfer | FinishTransfer) -> None:
        told = await self.engine.command(command)
        if not isinstance(told, Done):
            raise RuntimeError(str(told))

    async def opened(self, row: Row) -> None:
        await self.enable()
        await self.propose(
            linear=LINEAR,
            direction=self.direction,
            size_xbt=SIZE,
            collateral=row.hedged,
            target_delta=self.target,
        )
        await self.settle(row)
        if self.plan.status is not PlanStatus.DONE:
            raise RuntimeError(f"the spread was not opened: {self.plan.stopping}")
        pair = self.policy.automation
        if pair is not None:
            turn = Turn(self.engine.state, self.engine.market, self.policy, self.clock.now())
            row.table = next_hedges(turn, pair, LIMITS, 200)

    def look(self, row: Row) -> None:
        """Add what is there now to the row."""
        state = self.engine.state
        fills = [entry.event for entry in self.store.recorded if isinstance(entry.event, FillBooked)]
        row.liquidations = sum(one.fill.cause is FillCause.LIQUIDATION for one in fills)
        row.reductions = sum(plan.spec.cause is Cause.MARGIN for plan in state.plans.values())
        row.hedges.clear()
        for one in fills:
            order = state.orders.get(one.fill.client_order_id or "")
            plan = None if order is None or order.leg is None else state.plans[order.leg.plan_id]
            if plan is not None and plan.spec.cause is Cause.COLLATERAL:
                row.hedges[one.fill.instrument] += one.fill.signed_quantity
        row.naked = state.delta() - self.target
        pair, turn = self.policy.automation, Turn(state, self.engine.market, self.policy, self.clock.now())
        found = None if pair is None else standings(turn, pair, LIMITS)
        row.stands = "; ".join(
            f"{one.venue} {one.equity:,.2f} {one.currency}, "
            + ("no liquidation" if one.distance is None else f"{one.distance:.0%} to liquidation")
            for one in found or ()
        )


def run(direction: Direction, moves: Sequence[Decimal], *, hedged: bool) -> list[Row]:
    """Let the price go from move to move (fractions of the first price, each further out); a row for each."""
    bed = Bed(direction, hedged=hedged)
    rows: list[Row] = []
    row = Row(direction, hedged, Decimal(0))

    async def main() -> None:
        nonlocal row
        async with bed.bot():
            await bed.opened(row)
            gone = Decimal(0)
            for move in moves:
                row = _going_on(row, move)
                while gone != move:
                    gone += min(abs(move - gone), Decimal("0.01")).copy_sign(move - gone)
                    bed.move(gone)
                    await bed.settle(row)
                bed.look(row)
                rows.append(row)
            if await bed.reconciler.run():
                raise RuntimeError("ledger and exchanges differ")

    bed.play(main())
    return rows


def _going_on(row: Row, move: Decimal) -> Row:
    """Return a row that goes on from another one."""
    return replace(
        row,
        move=move,
        sent=Counter(row.sent),
        released=Counter(row.released),
        says=dict(row.says),
        hedges=Counter(),
    )


def told(row: Row) -> Iterator[str]:
    """Yield a row's lines for a person."""
    money = [
        *(f"sent {Money(key[1], units).amount:,.4f} {key[1]} to {key[0]}" for key, units in row.sent.items()),
        *(
            f"withdrew {Money(key[1], units).amount:,.4f} {key[1]} from {key[0]}"
            for key, units in row.released.items()
        ),
    ]
    hedges = [f"{'sold' if n < 0 else 'bought'} {abs(n):,} {key}" for key, n in row.hedges.items() if n]
    yield f"  {row.move:+5.0%}  {'; '.join(money) or 'nothing moved'}"
    yield f"         hedge of the collateral: {'; '.join(hedges) or 'none'}; Δ {row.naked:+.3f} off its target"
    yield f"         {row.stands}; liquidations {row.liquidations}, reductions {row.reductions}"


def main() -> None:
    for direction in Direction:
        inverse, linear = PRICES[direction]
        for hedged in (True, False):
            kept = "hedged" if hedged else "not hedged: 5 XBT of one's own"
            print(f"\n{direction}: {SIZE} XBT at {inverse:,} and {linear:,}, collateral {kept}")
            for sign, word in ((-1, "falls"), (1, "rises")):
                with silent():
                    rows = run(direction, [sign * Decimal(n) / 100 for n in (10, 25, 40)], hedged=hedged)
                print(f" price {word}")
                for line in (line for row in rows for line in told(row)):
                    print(line)
                for text in rows[-1].says.values():
                    print(f"         “{text}”")


if __name__ == "__main__":
    main()
