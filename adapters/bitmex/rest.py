"""BitMEX over REST, in the three ways a request can matter: an order, a cancel, a question.

Orders are sent once. Cancels and questions may be asked again, so they are: a few times, then they fail.
"""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_incrementing

from adapters.bitmex.answers import ErrorAnswer, NeverSent, NoAnswer
from adapters.bitmex.budget import Budget, Priority
from adapters.bitmex.endpoints import Endpoint
from adapters.bitmex.settings import BitmexSettings
from adapters.clock import Clock
from adapters.errors import Misconfigured, NotSent, OutcomeUnknown, Refused, Throttled, Unreachable

if TYPE_CHECKING:
    from adapters.bitmex.transport import Transport  # imports ccxt

REQUEST_TIMEOUT = 408
RATE_EXCEEDED = 429
OVERLOADED = 503
NO_RIGHT = (401, 403)
DUPLICATE = "duplicate clordid"


class Rest:
    def __init__(
        self, settings: BitmexSettings, clock: Clock, budget: Budget, transport: "Transport"
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._budget = budget
        self._transport = transport

    async def place(self, fields: Mapping[str, object], attempted: str) -> object:
        """Send one order, once. Raises Refused, Throttled, NotSent or OutcomeUnknown."""
        name = self._settings.name
        wait = await self._token(Priority.ORDER, self._settings.order_wait)
        if wait > 0:
            raise Throttled(name, attempted, f"our own rate budget is spent for {wait:.2f} s", code="BUDGET")
        try:
            return await self._call(Endpoint.PLACE, fields)
        except NeverSent as error:
            raise NotSent(name, attempted, str(error)) from error
        except NoAnswer as error:
            raise OutcomeUnknown(name, attempted, str(error)) from error
        except ErrorAnswer as error:
            raise self._placing_failed(error, attempted) from error

    async def command(
        self, endpoint: Endpoint, fields: Mapping[str, object], attempted: str, priority: Priority
    ) -> object:
        """Send what may be sent twice (a cancel). Raises Refused, Misconfigured or Unreachable."""
        return await self._repeatedly(endpoint, fields, attempted, priority)

    async def ask(self, endpoint: Endpoint, fields: Mapping[str, object], attempted: str) -> object:
        """Ask a question. Raises Misconfigured or Unreachable."""
        try:
            return await self._repeatedly(endpoint, fields, attempted, Priority.QUESTION)
        except Refused as error:
            # A question the venue finds wrong is one this program, or its settings, put wrongly.
            raise Misconfigured(error.venue, attempted, error.detail, code=error.code) from error

    async def _repeatedly(
        self, endpoint: Endpoint, fields: Mapping[str, object], attempted: str, priority: Priority
    ) -> object:
        settings = self._settings
        async for attempt in AsyncRetrying(
            stop=stop_after_attempt(settings.attempts),
            wait=wait_incrementing(settings.retry_wait, settings.retry_wait),
            retry=retry_if_exception_type(Unreachable),
            reraise=True,
        ):
            with attempt:
                return await self._once(endpoint, fields, attempted, priority)
        raise Unreachable(settings.name, attempted, "never tried")  # not reached: tenacity tries or raises

    async def _once(
        self, endpoint: Endpoint, fields: Mapping[str, object], attempted: str, priority: Priority
    ) -> object:
        name = self._settings.name
        wait = await self._token(priority, self._settings.question_wait)
        if wait > 0:
            raise Unreachable(
                name, attempted, f"our own rate budget is spent for {wait:.2f} s", code="BUDGET"
            )
        try:
            return await self._call(endpoint, fields)
        except (NeverSent, NoAnswer) as error:
            raise Unreachable(name, attempted, str(error)) from error
        except ErrorAnswer as error:
            if error.status in NO_RIGHT:
                raise Misconfigured(name, attempted, error.message, code=error.name) from error
            if error.status == RATE_EXCEEDED or error.status >= 500:
                raise Unreachable(name, attempted, str(error), code=error.name) from error
            raise Refused(name, attempted, error.message, code=error.name) from error

    async def _call(self, endpoint: Endpoint, fields: Mapping[str, object]) -> object:
        try:
            return await self._transport.call(endpoint, fields)
        except ErrorAnswer as error:
            if error.status == OVERLOADED:
                self._budget.overloaded(self._clock.monotonic())
            raise

    def _placing_failed(self, error: ErrorAnswer, attempted: str) -> Refused | OutcomeUnknown:
        name = self._settings.name
        if error.status == RATE_EXCEEDED:
            return Throttled(name, attempted, error.message, code=error.name)
        if error.status >= 500 or error.status == REQUEST_TIMEOUT:
            return OutcomeUnknown(name, attempted, str(error), code=error.name)
        if error.message.lower().startswith(DUPLICATE):
            # An order of this id does exist: "refused" would say it does not.
            return OutcomeUnknown(name, attempted, error.message, code="DUPLICATE_CLIENT_ID")
        return Refused(name, attempted, error.message, code=error.name)

    async def _token(self, priority: Priority, patience: float) -> float:
        """Take a token, waiting for it at most ``patience`` seconds in all; return what is still to wait."""
        deadline = self._clock.monotonic() + patience
        while True:
            now = self._clock.monotonic()
            wait = self._budget.consume(now, priority)
            if wait == 0.0 or now + wait > deadline:
                return wait
            await asyncio.sleep(wait)
