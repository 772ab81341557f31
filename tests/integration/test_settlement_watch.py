"""From both simulators' sockets, through the real clients, to what a person is told of the settlement indices."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from adapters.bitmex.settings import BitmexSettings
from adapters.bitmex.venue import BitmexVenue
from adapters.ibkr.settings import ContractSettings, IbkrSettings, IndexSettings
from adapters.ibkr.venue import IbkrVenue
from adapters.simulator import launch
from adapters.simulator.launch import Listening
from adapters.simulator.scenario import LinearScenario, MarketScenario, Scenario
from adapters.simulator.tws.index_service import IndexService
from adapters.venue import IndexRole, IndexTold, Link, VenueEvent
from bot.model.events import Alerted
from bot.model.inputs import LoadInstrument
from tests import patient
from tests.integration.ibkr_adapter_bench import until
from tests.unit.bot.automation.test_settlement import LIMITS, D
from tests.unit.bot.automation.test_settlement import desk as held_desk
from tests.unit.bot.desk import MBT, Desk

NAMES = {IndexRole.SPOT: ".BXBT", IndexRole.SETTLEMENT: ".BXBT30M"}
QUICK = replace(LIMITS, steady=timedelta(seconds=1))


@asynccontextmanager
async def watched(apart: int, service: IndexService) -> AsyncIterator[Desk]:
    """A pair that ends in two hours, at both simulators; CME's index ``apart`` ppm over the inverse venue's."""
    clock = patient.Clock()
    market = MarketScenario(volatility=0, basis_deviation=0, premium_deviation=0, index_apart=apart)
    scenario = Scenario(market=market, linear=LinearScenario(indices=service))
    listening: asyncio.Future[Listening] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(launch.run(scenario, 0, 0, listening.set_result, clock))
    ports = await listening

    at = held_desk()
    pair = at.policy.automation
    assert pair is not None
    at.policy = replace(at.policy, automation=replace(pair, settlement=QUICK, expiry=None))
    at.now = clock.now()
    ends = at.now + timedelta(hours=2)
    at.give(LoadInstrument(replace(MBT, terms=replace(MBT.terms, expiry=ends))))

    def hear(event: VenueEvent) -> None:
        at.now = clock.now()
        if isinstance(event, IndexTold | Link):
            at.give(event)

    url = f"127.0.0.1:{ports.bitmex_port}"
    inverse = BitmexVenue(
        BitmexSettings(f"http://{url}", f"ws://{url}/realtime", "sim-key", "sim-secret", indices=NAMES), clock
    )
    contract = ContractSettings("MBT", "MBT", "front", D("0.1"), D(5))
    linear = IbkrVenue(
        IbkrSettings(
            "127.0.0.1",
            ports.tws_port,
            7,
            "DU0000001",
            {"MBT": contract},
            indices={IndexRole.SPOT: IndexSettings("BRTI"), IndexRole.SETTLEMENT: IndexSettings("BRR")},
        ),
        clock,
    )
    try:
        await inverse.connect(["XBTUSD"], hear)
        await linear.connect(["MBT"], hear)
        yield at
    finally:
        await inverse.close()
        await linear.close()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


def said(at: Desk) -> list[str]:
    at.now = patient.Clock().now()
    at.wait(0)
    return [f"{alert.code}: {alert.text}" for alert in at.told(Alerted) if alert.code.startswith("INDEX_")]


def test_indices_that_part_are_told_to_a_person() -> None:
    """The index stands at 80,000; 0.4 % above it is 80,320: 320 USD on each of the 3 XBT sold at CME."""

    async def main() -> None:
        async with watched(4_000, IndexService.LIVE) as at:
            await until(lambda: said(at), seconds=30)
            (text,) = said(at)
            assert text.startswith("INDEX_DIVERGENCE")
            assert ".BXBT 80,000.00; BRTI 80,320.00: +320.00 USD, +0.400 %" in text
            assert "-960 USD on the 3.00 XBT held there" in text

    patient.run(main())


def test_a_login_without_the_index_is_told_so_and_compared_with_nothing() -> None:
    async def main() -> None:
        async with watched(4_000, IndexService.UNSUBSCRIBED) as at:
            at.market.quotes.clear()  # CME quotes nothing either: nothing stands in
            await until(lambda: said(at), seconds=30)
            (text,) = said(at)
            assert text.startswith("INDEX_UNKNOWN")
            assert "the broker sends no data of it: Requested market data is not subscribed. [354]" in text

    patient.run(main())
