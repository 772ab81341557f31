"""The clock hand of the dead man's switch: makes the exchange look when the switch falls due."""

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal

from adapters.simulator.bitmex.errors import ApiError
from adapters.simulator.bitmex.params import Params
from adapters.simulator.bitmex.state import VenueState
from adapters.simulator.bitmex.wire import Row

_MAX_MS = 86_400_000 * 365


class DeadMansSwitch:
    def __init__(self, state: VenueState) -> None:
        self._state = state
        self._timer: asyncio.TimerHandle | None = None

    def set(self, params: Params) -> Row:
        """POST /order/cancelAllAfter: arm with ``timeout`` milliseconds, disarm with 0."""
        if "timeout" not in params:
            raise ApiError(400, "'timeout' is a required arg.")
        timeout = params.number("timeout")
        if timeout is None or not 0 <= timeout <= _MAX_MS:
            raise ApiError(400, "timeout is invalid")
        return self.arm(timeout)

    def arm(self, timeout: Decimal) -> Row:
        """Replace what was armed before; return the answer (``cancelTime`` 0: disarmed)."""
        self.stop()
        span = timedelta(microseconds=int(timeout * 1000))
        at = self._state.exchange.cancel_all_after(self._state.account, span or None)
        now = self._state.clock.now()
        if at is not None:
            self._wait(at, now)
        return {"now": now, "cancelTime": 0 if at is None else at}

    def stop(self) -> None:
        """Stop the timer; the exchange still fires the switch at its next step."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self, at: datetime, now: datetime) -> None:
        delay = max((at - now).total_seconds(), 0.001)
        self._timer = asyncio.get_running_loop().call_later(delay, self._due, at)

    def _due(self, at: datetime) -> None:
        now = self._state.clock.now()
        if now < at:  # the loop's clock may run ahead of the venue's
            self._wait(at, now)
        else:
            self._timer = None
            self._state.exchange.step()
