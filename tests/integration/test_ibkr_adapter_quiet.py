"""A market that says nothing: when silence means that a quote stands, and when it means nothing."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from adapters.errors import Unreachable
from adapters.ibkr.venue import IbkrVenue
from adapters.simulator.faults import FaultKind
from adapters.venue import LinkState
from bot.orders.market import Market
from risk.instruments import InstrumentId
from risk.portfolio import Level, Quote
from risk.sessions import TradingHours
from tests import patient
from tests.integration.ibkr_adapter_bench import MBT, Heard, bench, settings, until
from tests.integration.ibkr_scene import Scene, run, scene
from tests.integration.ibkr_scripted_gateway import ALL_OPEN, TIME, ScriptedGateway, scripted
from tests.unit.bot.desk import POLICY


def marketdata(scene: Scene) -> int:
    """How often market data has been asked for."""
    return len([m for m in scene.gateway.heard if m[0] == "1"])


def test_a_quiet_market_is_confirmed_by_each_answer_to_the_heartbeat() -> None:
    async def main() -> None:
        async with scene(changes={"heartbeat": 0.05}) as s:
            first = s.heard.quotes[-1]
            await until(lambda: len(s.heard.quotes) >= 4)
            times = [quote.at for quote in s.heard.quotes]
            assert times == sorted(set(times))
            assert {(q.bids, q.asks) for q in s.heard.quotes} == {(first.bids, first.asks)}
            s.gateway.answers[TIME] = lambda g, m: None  # hung: what it does not say confirms nothing
            await asyncio.sleep(0.1)
            told = len(s.heard.quotes)
            await asyncio.sleep(0.15)
            assert len(s.heard.quotes) == told

    run(main)


@pytest.mark.parametrize(
    ("down", "text"),
    [
        (2103, "Market data farm connection is broken:usfuture"),
        (2108, "Market data farm connection is inactive but should be available upon demand.usfuture"),
        (2119, "Market data farm is connecting:usfuture"),
    ],
)
def test_while_a_data_farm_is_down_silence_confirms_nothing_and_after_it_prices_are_asked_for_anew(
    down: int, text: str
) -> None:
    async def main() -> None:
        async with scene(changes={"heartbeat": 0.05}) as s:
            s.gateway.error(-1, 2104, "Market data farm connection is OK:usfuture")
            s.gateway.error(-1, 2104, "Market data farm connection is OK:eufarm")
            s.gateway.error(-1, down, text)
            await asyncio.sleep(0.1)
            told, asked = len(s.heard.quotes), marketdata(s)
            await asyncio.sleep(0.2)
            assert len(s.heard.quotes) == told
            assert s.heard.is_up  # orders still go, and a tick that comes all the same is good
            s.gateway.say(1, 6, next(m for m in s.gateway.heard if m[0] == "1")[2], 1, "100000", 9, 0)
            await until(lambda: len(s.heard.quotes) == told + 1)
            s.gateway.error(-1, 2104, "Market data farm connection is OK:eufarm")
            await asyncio.sleep(0.1)
            assert (len(s.heard.quotes), marketdata(s)) == (told + 1, asked)
            s.gateway.error(-1, 2104, "Market data farm connection is OK:usfuture")
            await until(lambda: len(s.heard.quotes) >= told + 4)
            assert marketdata(s) == asked + 1

    run(main)


def test_farms_of_history_and_contracts_say_nothing_of_quotes() -> None:
    async def main() -> None:
        async with scene(changes={"heartbeat": 0.05}) as s:
            for code in (2105, 2107, 2157):
                s.gateway.error(-1, code, "HMDS data farm connection is broken:ushmds")
            told = len(s.heard.quotes)
            await until(lambda: len(s.heard.quotes) >= told + 3)

    run(main)


def test_after_the_brokers_link_was_lost_a_kept_subscription_is_confirmed_from_its_next_tick_on() -> None:
    async def main() -> None:
        async with scene(changes={"heartbeat": 0.05}) as s:
            s.gateway.error(-1, 1100, "lost")
            s.gateway.error(-1, 1102, "Connectivity restored - data maintained.")
            await until(lambda: s.heard.is_up and len(s.heard.links) == 3)
            told = len(s.heard.quotes)
            await asyncio.sleep(0.15)
            assert len(s.heard.quotes) == told
            s.gateway.quote(next(m for m in s.gateway.heard if m[0] == "1")[2])
            await until(lambda: len(s.heard.quotes) >= told + 3)

    run(main)


def test_a_gateway_without_the_broker_at_connect_is_up_only_when_1102_says_so() -> None:
    async def main() -> None:
        def offline(gateway: ScriptedGateway, message: list[str]) -> None:
            gateway.start_api()
            gateway.error(-1, 2110, "Connectivity between TWS and server is broken.")

        async with scripted(START_API=offline) as gateway:
            venue, heard = IbkrVenue(settings(gateway.port), patient.Clock()), Heard()
            try:
                await venue.connect([MBT.symbol], heard)
                assert not heard.is_up
                with pytest.raises(Unreachable):
                    await venue.positions()
                gateway.error(-1, 1102, "Connectivity restored - data maintained.")
                await until(lambda: heard.is_up)
                assert await venue.positions() == []
            finally:
                await venue.close()

    run(main)


def test_twenty_drops_in_a_row_are_each_mended_caught_up_on_and_told_once() -> None:
    async def main() -> None:
        changes = {"backoff_first": 0.005, "backoff_max": 0.02, "heartbeat": 0.1}
        async with scene(changes=changes) as s:
            for drop in range(20):
                asked = [m[0] for m in s.gateway.heard].count(ALL_OPEN)
                missed = f"0000e1a7.5c46{drop:04x}.01.01"

                def one_more(gateway: ScriptedGateway, message: list[str], missed: str = missed) -> None:
                    gateway.execution(missed, 1, request_id=message[2], ref="old")
                    gateway.say(55, 1, message[2])

                s.gateway.answers["7"] = one_more
                s.gateway.hang_up()
                await until(lambda n=drop: len(s.heard.links) >= 3 + 2 * n and s.heard.is_up)  # type: ignore[misc]
                assert [m[0] for m in s.gateway.heard].count(ALL_OPEN) > asked
            assert len(s.heard.fills) == len({fill.execution_id for fill in s.heard.fills}) == 20
            assert s.gateway.connections == 21
            assert [link.state for link in s.heard.links] == [
                LinkState.UP,
                *[LinkState.DOWN, LinkState.UP] * 20,
            ]
            assert await s.venue.positions() == []

    run(main)


def test_a_feed_frozen_under_a_live_link_is_confirmed_and_found_out_by_the_other_venue() -> None:
    """The gateway cannot tell a frozen feed from a quiet one, and neither can the adapter; two venues can."""

    async def main() -> None:
        policy = replace(POLICY, max_quote_age=timedelta(seconds=0.3))
        market, inverse = Market(), InstrumentId("bitmex", "XBTUSD")

        def other_venue_quotes(price: int) -> None:
            bid, ask = Level(Decimal(price), 1000), Level(Decimal(price + 1), 1000)
            market.quote(Quote(inverse, (bid,), (ask,), patient.Clock().now()))

        async with bench(heartbeat=0.05) as b:
            for event in b.heard.links:
                market.link(event)
            market.hours[b.heard.quotes[-1].instrument] = TradingHours.always()
            other_venue_quotes(99_000)
            market.quote(b.heard.quotes[-1])
            b.server.faults.next(FaultKind.STALE)
            b.market(100_500, 100_505)
            began = patient.Clock().now()
            await until(lambda: b.heard.quotes[-1].at > began + timedelta(seconds=0.5))
            frozen = b.heard.quotes[-1]
            market.quote(frozen)
            assert frozen.bids == b.heard.quotes[0].bids
            assert market.fresh(frozen.instrument, frozen.at, policy) is not None
            other_venue_quotes(99_500)
            assert market.fresh(frozen.instrument, frozen.at, policy) is None

    patient.run(main())
