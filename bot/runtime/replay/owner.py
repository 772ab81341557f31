"""What the owner of a replay does about the automation: standing approvals every day, and the money it asks for."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from bot.engine import Engine
from bot.model.inputs import FinishTransfer, GrantStanding, RecordTransfer
from bot.model.transfers import OUTSIDE
from bot.runtime.replay.options import Options
from bot.runtime.replay.stage import Stage
from risk.approval import Denied
from risk.instruments import InstrumentId
from risk.money import Currency, Money
from risk.standing import StandingApproval, scopes_for

BY = "replay"
_RENEWED, _LASTS = timedelta(hours=24), timedelta(hours=31)
_UNITS = 10**8
_MORE = Decimal("0.25")
_HEARD = timedelta(minutes=1)
"""So long until the bot's instructions reckon with what was sent."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Money on its way to a venue, or there: ``amount`` in its ``currency``."""

    venue: str
    currency: Currency
    amount: Decimal
    sent_at: datetime
    arrives_at: datetime


@dataclass(slots=True)
class Owner:
    """``follow`` and ``attend`` after each step of the market. ``sent``: what was brought. ``refused``: standing
    approvals that the bot did not take."""

    engine: Engine
    stage: Stage
    options: Options
    now: Callable[[], datetime]
    sent: list[Sent] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    _granted_at: datetime | None = None
    _given: int = 0
    _looked_at: datetime | None = None

    @property
    def is_watching(self) -> bool:
        return self.engine.policy.automation is not None

    def follow(self, linear: InstrumentId) -> None:
        """Let the automation watch the month the spread is in."""
        policy = self.engine.policy
        if policy.automation is not None and policy.automation.linear != linear:
            pair = replace(
                policy.automation,
                inverse=self.stage.perpetual,
                linear=linear,
                direction=self.options.direction,
            )
            self.engine.policy = replace(policy, automation=pair)
            self._granted_at = None

    async def attend(self) -> None:
        now = self.now()
        if self.options.standing and (self._granted_at is None or now - self._granted_at >= _RENEWED):
            await self._grant(now)
        if self.options.sends:
            await self._deliver(self._looked_at or now, now)
            self._looked_at = now
            await self._send(now)

    async def _grant(self, now: datetime) -> None:
        pair, limits = self.engine.policy.automation, self.engine.policy.standing
        if pair is None or not {pair.inverse, pair.linear} <= self.engine.market.last_mids.keys():
            return
        # CME's price may be Friday's: the band is within what the profile allows for both.
        mids = [self.engine.market.last_mids[key] for key in (pair.inverse, pair.linear)]
        self._granted_at, self._given = now, self._given + 1
        band = limits.price_band * Decimal("0.99")
        # One for each use: what is opened must not spend what is left for taking it down.
        for use in self.options.standing:
            standing = StandingApproval(
                standing_id=f"asleep-{use}{self._given}",
                scopes=scopes_for(
                    [use], self.options.direction, pair.inverse, pair.linear, either_venue=True
                ),
                daily_xbt=limits.daily_xbt,
                total_xbt=limits.total_xbt,
                max_delta_xbt=limits.daily_xbt,
                price_low=(max(mids) * (1 - band)).quantize(Decimal(1)),
                price_high=(min(mids) * (1 + band)).quantize(Decimal(1)),
                ends_at=now + _LASTS,
                by=BY,
            )
            answer = await self.engine.command(GrantStanding(standing, standing.content_hash()))
            if isinstance(answer, Denied):
                self.refused.append(f"{now:%F %R}Z, a standing approval: {answer}")

    async def _send(self, now: datetime) -> None:
        """Do as the instructions say; what they ask for beyond what is on its way goes when it is much more."""
        pair = self.engine.policy.automation
        if pair is None or pair.margin is None:
            return
        for advice in [*self.engine.market.advice.values()]:
            coming = sum(
                (one.amount for one in self.sent if one.venue == advice.venue and now < one.arrives_at),
                Decimal(0),
            )
            lately = any(one.venue == advice.venue and now - one.sent_at < _HEARD for one in self.sent)
            if lately or advice.amount <= coming * _MORE:
                continue  # a little more is not worth a transfer of its own
            xbt = advice.currency is Currency.XBT
            takes = pair.margin.xbt_takes if xbt else pair.margin.wire_takes
            one = Sent(advice.venue, advice.currency, advice.amount, now, now + takes)
            self.sent.append(one)
            amount = Money.of(one.currency, one.amount)
            transfer = f"sent{len(self.sent)}"
            answer = await self.engine.command(
                RecordTransfer(
                    transfer, amount, OUTSIDE, one.venue, BY, "asked for", self._silent, is_another=True
                )
            )
            if isinstance(answer, Denied):
                self.refused.append(f"{now:%F %R}Z, a transfer: {answer}")

    @property
    def _silent(self) -> tuple[str, ...]:
        """The broker tells of no deposit: its owner does."""
        return (self.stage.linear.name,)

    async def _deliver(self, since: datetime, now: datetime) -> None:
        """Credit what has arrived since the last look."""
        for number, one in enumerate(self.sent, 1):
            if not since < one.arrives_at <= now:
                continue
            place = 0 if one.currency is Currency.XBT else 1
            exchange = (self.stage.world.inverse, self.stage.world.linear)[place]
            exchange.deposit(self.stage.accounts[place], int(one.amount * _UNITS))
            if one.venue in self._silent:
                done = FinishTransfer(f"sent{number}", BY, "it is there", self._silent)
                answer = await self.engine.command(done)
                if isinstance(answer, Denied):
                    self.refused.append(f"{now:%F %R}Z, a transfer that has arrived: {answer}")
