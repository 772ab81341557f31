"""Somebody who moves money in a simulated life: records it early, late, wrongly or never, and forgets what arrived."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from adapters.simulator.exchange.refusal import ExchangeRefusal
from bot.model.inputs import (
    CancelTransfer,
    Command,
    Done,
    FinishTransfer,
    RecordConversion,
    RecordTransfer,
)
from bot.model.transfer_book import TransferBook
from bot.orders.market import Advice
from risk.approval import Denied
from risk.money import Currency, Money

if TYPE_CHECKING:
    from tests.simulation.whole.life import Life

_SILENT = ("cme",)
_XBT = 2_000_000  # small beside the plans
_USD = 500 * 100_000_000
Say = Callable[[Command], Awaitable[Done | Denied | None]]


class Mover:
    def __init__(self, life: "Life", say: Say) -> None:
        self._life = life
        self._say = say
        self._random = Random(f"mover:{life.setting.seed}")
        self._obedience = Random(f"obedience:{life.setting.seed}")
        self._count = 0

    async def act(self, book: TransferBook) -> None:
        """Now and then, do one thing."""
        if self._random.random() < 0.06:
            await self._random.choice(
                (self._top_up, self._wire, self._withdraw, self._finish, self._cancel, self._convert)
            )(book)

    async def obey(self, asked: Mapping[str, Advice]) -> None:
        """Now and then, do what the bot has asked for: all of it or half, in time or late, told of or not. Or take
        back from the broker what lies there, and say so or not."""
        dice = self._obedience
        if asked and dice.random() < 0.08:
            await self._carry_out(asked[dice.choice(sorted(asked))])
        elif dice.random() < 0.01:
            await self._from_the_broker()

    async def _carry_out(self, advice: Advice) -> None:
        dice, inverse = self._obedience, advice.currency is Currency.XBT
        amount = abs(advice.amount) * dice.choice((1, 1, Decimal("0.5")))
        money = Money.of(advice.currency, amount.quantize(Decimal("0.0001")))
        if not money.units:
            return
        comes, side = advice.amount > 0, 0 if inverse else 1
        self._count += 1
        source, target = ("outside", advice.venue) if comes else (advice.venue, "outside")
        name = f"t{self._count}"
        told = dice.random() < (0.8 if inverse else 0.9)
        if told and not isinstance(
            await self._say(
                RecordTransfer(name, money, source, target, "anna", "asked for", _SILENT, None, True)
            ),
            Done,
        ):
            return
        units = money.units if comes else -money.units
        if inverse:
            asyncio.get_running_loop().call_later(dice.choice((0.1, 2, 20)), self._move, side, units)
            return
        self._move(side, units)
        if told and comes:
            await self._say(FinishTransfer(name, "anna", "there", _SILENT))
        self._life.watch.trouble_now()

    async def _from_the_broker(self) -> None:
        """USD leave the broker. It tells of no flow: who says nothing of it has a mismatch to look at."""
        account = self._life.exchanges[1].account("me")
        units = min(_USD, account.withdrawable // 4 // 1_000_000 * 1_000_000)
        if units <= 0:
            return
        if self._obedience.random() < 0.8:
            name = await self._record(Money(Currency.USD, units), "cme", "outside", TransferBook())
            if name is None:
                return
        self._move(1, -units)
        self._life.watch.trouble_now()

    async def _record(self, amount: Money, source: str, target: str, book: TransferBook) -> str | None:
        self._count += 1
        name = f"t{self._count}"
        alike = [one.flow.flow_id for one in book.loose.values() if one.flow.venue in (source, target)]
        flow = self._random.choice(alike) if alike and self._random.random() < 0.3 else None
        another = self._random.random() < 0.5
        answer = await self._say(
            RecordTransfer(name, amount, source, target, "anna", "moved", _SILENT, flow, another)
        )
        return name if isinstance(answer, Done) else None

    def _move(self, side: int, units: int) -> None:
        try:
            self._life.exchanges[side].deposit("me", units)
        except ExchangeRefusal:
            return

    async def _top_up(self, book: TransferBook) -> None:
        dice = self._random
        units = _XBT * dice.randint(1, 3)
        source = "spot" if book.spot[Currency.XBT] >= units else "outside"
        if dice.random() < 0.8:
            arrives = units - dice.choice((0, 0, units // 400, units // 10))
            loop = asyncio.get_running_loop()
            loop.call_later(dice.choice((0.1, 2, 20)), self._move, 0, arrives)
        if dice.random() < 0.8:
            await self._record(Money(Currency.XBT, units), source, "bitmex", book)

    async def _wire(self, book: TransferBook) -> None:
        name = await self._record(Money(Currency.USD, _USD), "outside", "cme", book)
        if name is not None:
            self._move(1, _USD)
            await self._say(FinishTransfer(name, "anna", "there", _SILENT))

    async def _withdraw(self, book: TransferBook) -> None:
        target = self._random.choice(("spot", "outside"))
        if await self._record(Money(Currency.XBT, _XBT), "bitmex", target, book) is not None:
            self._move(0, -_XBT)

    async def _finish(self, book: TransferBook) -> None:
        waiting = [one for one in book.open() if one.recorded.target != "cme"]
        if waiting:
            name = self._random.choice(waiting).recorded.transfer_id
            flow = self._random.choice([None, *(flow_id for _, flow_id in book.loose)])
            final = self._random.random() < 0.3
            await self._say(FinishTransfer(name, "anna", "over", _SILENT, None, flow, final))

    async def _cancel(self, book: TransferBook) -> None:
        waiting = [one for one in book.open() if "cme" not in (one.recorded.source, one.recorded.target)]
        if waiting:
            name = self._random.choice(waiting).recorded.transfer_id
            await self._say(CancelTransfer(name, "anna", "never sent", _SILENT))

    async def _convert(self, book: TransferBook) -> None:
        self._count += 1
        usd, xbt = Money(Currency.USD, 80_000 * _XBT), Money(Currency.XBT, _XBT)
        sold, bought = (usd, xbt) if self._random.random() < 0.5 else (xbt, usd)
        fee = Money(Currency.USD, 1_000_000)
        await self._say(RecordConversion(f"t{self._count}", sold, bought, fee, "anna", "converted"))
