"""Run one asynchronous test on every venue it has a meaning for."""

from collections.abc import Awaitable, Callable

import pytest

from tests import patient
from tests.conformance.stage import DEEP, Stage
from tests.conformance.stages import CANDIDATES, Candidate

Play = Callable[[Stage], Awaitable[None]]


def on_every_venue(
    needs: Callable[[Candidate], bool] = lambda _: True,
) -> Callable[[Play], Callable[..., None]]:
    """Turn ``play`` into a test of each venue that ``needs`` accepts; the venue is connected to a deep market."""

    def wrap(play: Play) -> Callable[..., None]:
        @pytest.mark.parametrize("venue", [name for name, one in CANDIDATES.items() if needs(one)])
        def test(venue: str) -> None:
            async def perform() -> None:
                async with CANDIDATES[venue].open() as stage:
                    stage.market([(-1, 1_000)], DEEP)
                    await stage.connect()
                    await play(stage)

            patient.run(perform())

        test.__name__ = test.__qualname__ = play.__name__
        test.__module__ = play.__module__
        test.__doc__ = play.__doc__
        return test

    return wrap
