"""Scenario files."""

import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.simulator import scenario_file
from adapters.simulator.exchange.orders import NewOrder, Side, Tif
from adapters.simulator.exchange.sessions import Session, Sessions
from adapters.simulator.exchange.views import CashKind
from adapters.simulator.scenario import MarketScenario, Scenario, ScenarioError
from adapters.simulator.scenario_file import load, parse
from adapters.simulator.world import build
from tests.unit.simulator.support import ManualClock


def test_an_empty_file_is_the_default() -> None:
    assert parse("") == Scenario()


def test_the_documented_example_reads() -> None:
    example = textwrap.dedent((scenario_file.__doc__ or "").split("\n", 1)[1])
    scenario = parse(example)
    assert scenario.seed == 7
    assert scenario.market == MarketScenario()
    assert scenario.inverse.funding_every == timedelta(seconds=10)
    assert scenario.inverse.futures == ((2026, 12),)
    assert scenario.linear.month == (2026, 12)


def test_units() -> None:
    scenario = parse(
        """
        [market]
        index = 16543.21
        basis = -0.0125
        [inverse]
        wallet = 0.00000001
        funding_rate = -0.00375
        [linear]
        cash = 0.01
        sessions = [[2026-11-23T00:00:00Z, 2026-11-23T18:00:00-05:00]]
        """
    )
    assert (scenario.market.index, scenario.market.basis) == (1_654_321, -12_500)
    assert (scenario.inverse.wallet, scenario.inverse.funding_rate) == (1, -3_750)
    assert scenario.linear.cash == 1_000_000
    opens, closes = datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 23, 23, tzinfo=UTC)
    assert scenario.linear.sessions == Sessions.of([Session(opens, closes)])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("seed = -1", "seed: must be a whole number"),
        ("seed = true", "seed: must be a whole number"),
        ("sed = 1", "no such section or key: sed"),
        ("market = 3", "market must be a table"),
        ("[market]\nvolatilty = 1", "[market] has no volatilty"),
        ('[market]\nindex = "a"', "[market] index: must be a number"),
        ("[market]\nindex = nan", "[market] index: must be a number"),
        ("[market]\nindex = 1e400", "[market] index: must be from"),
        ("[market]\nindex = 0", "[market] index: must be from"),
        ("[market]\nstep_milliseconds = 0", "[market] step_milliseconds: must be a whole number"),
        ("[inverse]\nwallet = 1.000000001", "[inverse] wallet: is too fine"),
        ("[inverse]\nwallet = -1", "[inverse] wallet: must be from 0"),
        ('[inverse]\napi_key = ""', "[inverse] api_key: must be a text"),
        ("[inverse]\nfunding_every_seconds = 0", "[inverse] funding_every_seconds"),
        ("[inverse]\nfunding_every_seconds = 99999999999999", "[inverse] funding_every_seconds"),
        ('[linear]\nmonth = "Z6"', "[linear] month: must be a month like"),
        ('[linear]\nmonth = "9999-12"', "[linear] month: must be a month from"),
        ("[linear]\nsessions = [1]", "[linear] sessions: must hold pairs"),
        ("[linear]\nsessions = [[2026-11-23T00:00:00, 2026-11-24T00:00:00]]", "a time with its offset"),
        (
            "[linear]\nsessions = [[2026-11-24T00:00:00Z, 2026-11-23T00:00:00Z]]",
            "must open before it closes",
        ),
        ("[[", "not TOML"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text: str, complaint: str) -> None:
    with pytest.raises(ScenarioError) as raised:
        parse(text)
    assert complaint in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_cannot_be_read_names_itself(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"nothing\.toml: cannot be read: No such file"):
        load(tmp_path / "nothing.toml")
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b"seed = 1 # \xe9")
    with pytest.raises(ScenarioError, match=r"latin\.toml: cannot be read: it is not UTF-8"):
        load(latin)
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("seed = 'x'")
    with pytest.raises(ScenarioError, match=r"wrong\.toml: seed"):
        load(wrong)


def test_an_expired_contract_is_refused_at_the_start() -> None:
    with pytest.raises(ScenarioError, match="MBTF6 expired"):
        build(parse('[linear]\nmonth = "2026-01"'), ManualClock())


def test_a_deposit_and_a_deleveraging_come_once_each_and_in_their_time() -> None:
    scenario = parse(
        """
        [inverse]
        wallet = 1.0
        deposits = [[10, 0.25]]
        deleveraged = [[20, 0.4], [30, 0.5]]
        """
    )
    clock = ManualClock()
    world = build(scenario, clock)
    account = scenario.inverse.account
    ask = world.inverse.book("XBTUSD").asks[0]
    world.inverse.place(account, NewOrder("XBTUSD", Side.BUY, 1_000, ask.price, Tif.IOC))

    def told(seconds: int) -> tuple[int, int]:
        clock.advance(timedelta(seconds=seconds))
        world.step()
        world.step()
        deposits = sum(
            entry.amount for entry in world.inverse.cash(account) if entry.kind is CashKind.DEPOSIT
        )
        return deposits, world.inverse.position(account, "XBTUSD").contracts

    assert told(9) == (100_000_000, 1_000)
    assert told(1) == (125_000_000, 1_000)
    assert told(10) == (125_000_000, 600)
    assert told(30) == (125_000_000, 300)
    assert told(60) == (125_000_000, 300)
