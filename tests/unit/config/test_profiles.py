"""The shipped profiles load, and each is what its name says."""

from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from config.errors import ConfigError
from config.load import load_profile, require_consent
from config.place import profile_names
from config.settings import Mode
from risk.direction import Direction


def test_these_are_shipped() -> None:
    assert profile_names() == ["demo", "live", "sim", "testnet"]


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("demo", Mode.SIMULATED),
        ("sim", Mode.SIMULATED),
        ("testnet", Mode.TESTNET),
        ("live", Mode.LIVE),
    ],
)
def test_a_profile_is_in_its_mode(name: str, mode: Mode) -> None:
    settings = load_profile(name)
    assert (settings.instance, settings.mode) == (name, mode)


def test_numbers_arrive_exactly() -> None:
    settings = load_profile("demo")
    assert settings.linear.contract.multiplier == Decimal("0.1")
    assert settings.limits.pay_up_percent == (Decimal("0.05"), Decimal("0.1"), Decimal("0.25"))
    assert settings.plan.size_xbt == Decimal(3)
    assert settings.plan.direction is Direction.LONG_INVERSE


def test_the_demo_plan_comes_to_whole_contracts() -> None:
    settings = load_profile("demo")
    tranche = settings.plan.size_xbt / settings.plan.tranches
    assert tranche % settings.linear.contract.multiplier == 0
    # A tranche is worked in clips of at most this: one contract must fit into it.
    assert settings.linear.contract.multiplier <= settings.limits.max_unattended_delta_xbt


def test_sim_finds_the_simulators_at_their_default_ports() -> None:
    settings = load_profile("sim")
    assert urlsplit(settings.inverse.base_url).port == 8461
    assert urlsplit(settings.inverse.ws_url).port == 8461
    assert (settings.linear.host, settings.linear.port) == ("127.0.0.1", 8462)
    assert (settings.api.host, settings.api.port) == ("127.0.0.1", 8460)


def test_demo_shares_no_port_with_sim() -> None:
    def ports(name: str) -> set[int | None]:
        settings = load_profile(name)
        return {urlsplit(settings.inverse.base_url).port, settings.linear.port, settings.api.port}

    assert not ports("demo") & ports("sim")


@pytest.mark.parametrize("name", ["testnet", "live"])
def test_what_is_not_simulated_says_that_bitmex_has_closed(name: str) -> None:
    text = load_profile(name).source.read_text()
    assert "BitMEX closed on 2026-09-23" in text


def test_live_needs_the_flag_too() -> None:
    settings = load_profile("live")
    with pytest.raises(ConfigError, match="mode: this profile trades real money: say --live as well"):
        require_consent(settings, live=False)
    require_consent(settings, live=True)


@pytest.mark.parametrize("name", ["demo", "sim", "testnet"])
def test_nothing_else_needs_it(name: str) -> None:
    require_consent(load_profile(name), live=False)


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"BASISBOT_HOME": "/srv/bot", "XDG_STATE_HOME": "/srv/xdg", "HOME": "/srv/me"}, "/srv/bot/demo"),
        ({"XDG_STATE_HOME": "/srv/xdg", "HOME": "/srv/me"}, "/srv/xdg/basisbot/demo"),
        ({"HOME": "/srv/me"}, "/srv/me/.local/state/basisbot/demo"),
    ],
)
def test_where_data_goes(environ: dict[str, str], folder: str) -> None:
    settings = load_profile("demo", environ=environ)
    assert settings.data_dir == Path(folder)
    assert settings.ledger_path == Path(folder) / "ledger.sqlite3"


def test_a_data_folder_given_is_used_as_it_is(tmp_path: Path) -> None:
    settings = load_profile("demo", {"data_dir": str(tmp_path), "ledger.path": "/srv/books.sqlite3"})
    assert (settings.data_dir, settings.ledger_path) == (tmp_path, Path("/srv/books.sqlite3"))
