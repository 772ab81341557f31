"""One venue: link, rights, contract, hours, clock, market data, account. Asked only; nothing is placed."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import MAXYEAR, datetime, timedelta
from typing import TypeVar

from adapters.clock import Clock
from adapters.errors import Misconfigured, Refused, Unreachable, VenueError
from adapters.venue import ClockSeen, FundingAnnounced, HoursAnnounced, IndexTold, Venue, VenueEvent
from bot.orders.rolling import unfit
from bot.runtime.doctor.finding import About, Finding, Trouble
from config.settings import Limits
from risk.instruments import Instrument
from risk.orders import OrderRequest, Side
from risk.portfolio import Quote
from risk.sessions import Session
from risk.terms import Kind

_PATIENCE = 4.0
"""Seconds for what a venue tells by itself: its clock, a quote."""
_EXPIRES_SOON = timedelta(days=7)
_MONTH = "name another month in the profile"

E = TypeVar("E")


class VenueExam:
    """Look at one contract of one venue, connected for this purpose and under a login of its own."""

    def __init__(
        self, venue: Venue, symbol: str, limits: Limits, clock: Clock, later: Sequence[str] = ()
    ) -> None:
        self._venue = venue
        self._symbol = symbol
        self._later = later
        self._limits = limits
        self._clock = clock
        self._about = About(venue.name)
        self._heard: list[VenueEvent] = []
        self._news = asyncio.Event()

    async def run(self) -> list[Finding]:
        about = self._about
        try:
            await self._venue.connect([self._symbol, *self._later], self._hear)
        except VenueError as error:
            return [self._failed("link", error)]
        try:
            found = [
                about.ok("link", "connected"),
                *self._rights(self._venue.instrument(self._symbol)),
                *self._contract(self._venue.instrument(self._symbol)),
                *self._next_months(self._venue.instrument(self._symbol)),
                self._hours(),
                self._funding(),
                await self._clocks(),
                await self._data(),
                *await self._account(),
                await self._orders(),
                await self._margin(),
                self._dead_mans_switch(),
                self._rate(),
                *self._indices(),
            ]
        finally:
            await self._venue.close()
        return [finding for finding in found if finding is not None]

    def _hear(self, event: VenueEvent) -> None:
        if isinstance(event, Quote | HoursAnnounced) and event.instrument.symbol in self._later:
            return  # what is asked about is the month that is traded
        self._heard.append(event)
        self._news.set()

    def _latest(self, kind: type[E]) -> E | None:
        return next((event for event in reversed(self._heard) if isinstance(event, kind)), None)

    async def _until(self, look: Callable[[], E | None]) -> E | None:
        try:
            async with asyncio.timeout(_PATIENCE):
                while (found := look()) is None:
                    self._news.clear()
                    await self._news.wait()
                return found
        except TimeoutError:
            return None

    def _failed(self, name: str, error: VenueError) -> Finding:
        match error:
            case Misconfigured():
                return self._about.fail(name, str(error), "mend the profile, or the venue", Trouble.SETTINGS)
            case Unreachable():
                todo = "is it up, and the address in the profile right?"
                return self._about.fail(name, str(error), todo, Trouble.UNREACHABLE)
            case _:
                return self._about.fail(name, str(error), "see what the venue says")

    def _rights(self, instrument: Instrument) -> list[Finding]:
        """Say what connecting has proved; where there is no API key, the what-if shows whether orders are taken."""
        if instrument.terms.kind is Kind.LINEAR:
            return [self._about.ok("rights", "the login has the account; see what-if for orders")]
        return [
            self._about.ok("rights", "the API key may order, and may not withdraw"),
            self._about.ok("margin mode", "cross: positions share the wallet"),
        ]

    def _contract(self, instrument: Instrument) -> list[Finding]:
        terms = instrument.terms
        text = f"{instrument.id}: {terms.kind}, lot {terms.lot}, tick {terms.tick}, multiplier {terms.multiplier}"
        found = [self._about.ok("contract", text)]
        if terms.expiry is None:
            return found
        left = terms.expiry - self._clock.now()
        last = f"last trade {terms.expiry:%F %R}Z"
        if left <= timedelta(0):
            found.append(self._about.fail("month", f"{last}: it is over", _MONTH, Trouble.SETTINGS))
        elif left < _EXPIRES_SOON:
            found.append(self._about.warn("month", f"{last}, in {left.days} days", "think of the next month"))
        else:
            found.append(self._about.ok("month", f"{last}, in {left.days} days"))
        return found

    def _next_months(self, held: Instrument) -> Iterator[Finding]:
        for symbol in self._later:
            month = self._venue.instrument(symbol)
            problem = unfit(held, month)
            if problem is None:
                yield self._about.ok("next month", f"{month.id}: last trade {month.terms.expiry:%F %R}Z")
            else:
                yield self._about.fail("next month", problem, _MONTH, Trouble.SETTINGS)

    def _hours(self) -> Finding:
        told = self._latest(HoursAnnounced)
        now = self._clock.now()
        if told is None or told.hours.trouble or told.hours.session(now) is Session.UNKNOWN:
            why = "" if told is None else told.hours.trouble
            text = f"not understood: {why or 'nothing was announced for now'}"
            return self._about.fail(
                "hours", text, "nothing new is started there: see runbooks/hours-unknown.md"
            )
        closes, opens = told.hours.closes(now), told.hours.opens(now)
        if closes is None:
            again = "not announced" if opens is None else f"{opens:%F %R}Z"
            return self._about.warn("hours", f"closed; opens: {again}", "nothing is sent there until then")
        return self._about.ok(
            "hours", "always open" if _is_never(closes) else f"open, closes {closes:%F %R}Z"
        )

    def _funding(self) -> Finding | None:
        told = self._latest(FundingAnnounced)
        if told is None:
            return None
        funding = told.funding
        who = "longs" if funding.rate > 0 else "shorts"
        return self._about.ok("funding", f"next {funding.at:%F %R}Z, {who} pay {abs(funding.rate):.4%}")

    def _indices(self) -> Iterator[Finding]:
        """Say which reference indices were told, or why not; the profile asks for them, and nothing else needs them."""
        told = {event.role: event for event in self._heard if isinstance(event, IndexTold)}
        for one in told.values():
            if one.price is not None:
                yield self._about.ok(f"{one.role} index", f"{one.symbol} {one.price}")
            else:
                todo = "settlement indices are not compared: see runbooks/index-unknown.md"
                yield self._about.warn(f"{one.role} index", f"{one.symbol}: {one.note}", todo)

    async def _clocks(self) -> Finding:
        seen = await self._until(lambda: self._latest(ClockSeen))
        limit = self._limits.max_clock_skew_seconds
        if seen is None:
            return self._about.warn("clock", "the venue has not told the time", "see runbooks/clock-skew.md")
        off = seen.skew.certain.total_seconds()
        if off > limit:
            text = f"{off:.1f} s apart at least, the limit is {limit:g} s"
            return self._about.fail("clock", text, "see runbooks/clock-skew.md")
        low, high = seen.skew.least.total_seconds(), seen.skew.most.total_seconds()
        return self._about.ok("clock", f"agrees with ours ({low:+.1f} to {high:+.1f} s)")

    async def _data(self) -> Finding:
        def two_sided() -> Quote | None:
            quote = self._latest(Quote)
            return quote if quote is not None and quote.mid is not None else None

        quote = await self._until(two_sided)
        if self._venue.complaints:
            todo = "subscribe to live data for this login"
            return self._about.fail("data", "; ".join(self._venue.complaints), todo, Trouble.SETTINGS)
        if quote is not None and quote.bid is not None and quote.ask is not None:
            return self._about.ok("data", f"live: {quote.bid.price} / {quote.ask.price}")
        told = self._latest(HoursAnnounced)
        if told is not None and told.hours.session(self._clock.now()) is Session.CLOSED:
            return self._about.warn("data", "no quotes: the market is closed", "look again when it is open")
        return self._about.fail("data", "no two-sided quote", "is this login allowed live data of it?")

    async def _account(self) -> list[Finding]:
        try:
            account = await self._venue.account()
        except VenueError as error:
            return [self._failed("account", error)]
        text = f"wallet {account.wallet}, equity {account.equity}, available {account.available}"
        if account.equity.units <= 0:
            return [self._about.fail("account", text, "there is nothing to trade with: pay in")]
        if account.available.units <= 0:
            return [self._about.warn("account", text, "no margin is left for new orders")]
        return [self._about.ok("account", text)]

    async def _orders(self) -> Finding:
        try:
            orders, positions = await self._venue.open_orders(), await self._venue.positions()
        except VenueError as error:
            return self._failed("book", error)
        held = ", ".join(f"{one.contracts:+,} {one.instrument.symbol}" for one in positions if one.contracts)
        return self._about.ok("book", f"{len(orders)} open orders; positions: {held or 'none'}")

    async def _margin(self) -> Finding | None:
        """Ask what one lot would need: a login that may only read is found out by it, and nothing is placed."""
        instrument, quote = self._venue.instrument(self._symbol), self._latest(Quote)
        if not self._venue.capabilities.what_if:
            return None
        if quote is None or quote.mid is None:
            return None
        price = instrument.terms.to_tick(quote.mid)
        request = OrderRequest("doctor", instrument.id, Side.BUY, instrument.terms.lot, price)
        try:
            told = await self._venue.what_if(request)
        except (Unreachable, Refused) as error:
            todo = "orders may be refused likewise: may this login trade (no read-only API)?"
            return self._about.fail("what-if", str(error), todo, Trouble.SETTINGS)
        except VenueError as error:
            return self._failed("what-if", error)
        if told is None:
            todo = "tickets show no margin after (refuse_unknown_margin decides what follows)"
            return self._about.warn("what-if", "the broker does not say what an order would need", todo)
        units = told.initial_after.units - told.initial_before.units
        more = type(told.initial_after)(told.initial_after.currency, units)
        return self._about.ok("what-if", f"a lot bought needs {more} more initial margin")

    def _dead_mans_switch(self) -> Finding:
        has = self._venue.capabilities.dead_mans_switch
        text = "the venue has one" if has else "none here: nothing may rest unattended"
        return self._about.ok("dead man's switch", text)

    def _rate(self) -> Finding | None:
        left = self._venue.rate_left
        return None if left is None else self._about.ok("rate limit", f"{left:.0%} of our share left")


def _is_never(at: datetime) -> bool:
    return at.year == MAXYEAR
