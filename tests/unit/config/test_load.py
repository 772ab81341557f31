"""Whatever is wrong with a profile is said: file, key, what, and what is allowed; all of it at once."""

from pathlib import Path

import pytest

from config.errors import ConfigError
from config.load import load_profile
from config.place import SHIPPED


def said(*args: object, **kwargs: object) -> list[str]:
    """The lines of the ConfigError that loading raises."""
    with pytest.raises(ConfigError) as caught:
        load_profile(*args, **kwargs)  # type: ignore[arg-type]
    return str(caught.value).splitlines()


def copy_of(profile: str, folder: Path, old: str = "", new: str = "") -> Path:
    text = (SHIPPED / f"{profile}.toml").read_text()
    assert old in text
    path = folder / "mine.toml"
    path.write_text(text.replace(old, new, 1))
    return path


def test_an_unknown_name() -> None:
    assert said("dmo") == [
        "profile: dmo: no such profile; did you mean demo?; shipped are demo, live, sim, testnet; "
        "a file of your own is given as PATH/NAME.toml"
    ]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "gone.toml"
    assert said(str(path)) == [f"{path}: cannot be read: No such file or directory"]
    assert said(tmp_path) == [f"{tmp_path}: cannot be read: Is a directory"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"instance = demo", "is not TOML: Invalid value (at line 1, column 12)"),
        (b"instance = '\xff'", "is not UTF-8 text (byte 12)"),
        (b"a = 1\na = 2\n", "is not TOML: Cannot overwrite a value (at line 2, column 6)"),
    ],
)
def test_a_file_that_is_no_profile(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    assert said(path) == [f"{path}: {complaint}"]


def test_an_empty_file_misses_everything(tmp_path: Path) -> None:
    path = tmp_path / "empty.toml"
    path.write_text("")
    assert said(path) == [
        f"{path}: {key}: is missing" for key in ("instance", "mode", "inverse", "linear", "plan", "limits")
    ]


def test_a_misspelt_key_is_recognised_and_its_value_not_repeated(tmp_path: Path) -> None:
    path = copy_of("demo", tmp_path, 'api_secret = "sim-secret"', 'api_secert = "hunter2"')
    lines = said(path)
    assert len(lines) == 1
    assert lines[0].startswith(
        f"{path}: inverse.api_secert: unknown key; did you mean api_secret?; allowed here: adapter, base_url,"
    )
    assert "hunter2" not in lines[0]


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    path = copy_of("demo", tmp_path, "tranches = 3", "tranches = 91")
    assert said(path, {"api.port": 70000, "mode": "real", "api.allow_remote": "perhaps"}) == [
        "override: mode: must be 'simulated', 'testnet' or 'live', not 'real'",
        f"{path}: plan.tranches: must be less than or equal to 90, not 91",
        "override: api.port: must be less than or equal to 65535, not 70000",
        "override: api.allow_remote: must be true or false, not 'perhaps'",
    ]


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("instance", "../x", "must be 1 to 32 of a-z, 0-9 and -, and not begin with -, not '../x'"),
        ("plan.size_xbt", "nan", "must be a finite number, not 'nan'"),
        ("plan.size_xbt", "1,5", "must be a valid decimal, not '1,5'"),
        ("plan.size_xbt", 0, "must be greater than 0, not 0"),
        ("plan.tranches", True, "must be a number, not true"),
        ("plan.tranches", "1.5", None),
        ("plan.direction", "sideways", "must be 'long-inverse' or 'short-inverse', not 'sideways'"),
        ("plan.size_xbt", 6, "must be at most limits.max_plan_xbt (5)"),
        ("limits.max_quote_age_seconds", "inf", None),
        ("limits.pay_up_percent", [], None),
        ("limits.pay_up_percent", ["0.2", "0.2"], "each step must pay more than the one before"),
        ("limits.hard_band_percent", "0.2", "must be at least the last pay-up (0.25)"),
        ("limits.price_band_percent", "0.5", "must be above limits.hard_band_percent (0.5)"),
        ("linear", 3, "must be a table"),
        ("linear.flatten_client_id", 11, "must differ from linear.client_id (11)"),
        (
            "linear.contract.expiry",
            "202613",
            "must be \"front\", or written YYYYMM or YYYYMMDD, not '202613'",
        ),
        ("linear.contract.expiry", "202612", "'MBT' must end with Z26, the month of expiry 202612"),
        ("inverse.base_url", "ftp://127.0.0.1", None),
        ("inverse.base_url", "http://127.0.0.1:8461/api", None),
        ("inverse.base_url", "http://127.0.0.1:99999", None),
        ("inverse.base_url", "http://example.com", None),
        ("inverse.api_key_env", "A B", "must be the name of an environment variable (letters, digits, _)"),
        ("api.host", "0.0.0.0", None),
        ("limits.max_plan_xbt.deep", 1, "max_plan_xbt is a value, not a table"),
        ("data_dir", 5, None),
    ],
)
def test_one_bad_value_is_one_line(key: str, value: object, complaint: str | None) -> None:
    lines = said("demo", {key: value})
    assert len(lines) == 1
    if complaint is not None:
        assert lines[0].endswith(f": {complaint}")


def test_a_fault_names_the_file_even_where_an_override_caused_it(tmp_path: Path) -> None:
    path = copy_of("demo", tmp_path)
    assert said(path, {"linear.contract.expiry": "202703"}) == [
        f"{path}: linear.contract.symbol: 'MBT' must end with H27, the month of expiry 202703"
    ]


def test_simulated_never_leaves_this_machine() -> None:
    for key, value in (
        ("inverse.base_url", "https://www.bitmex.com"),
        ("inverse.ws_url", "wss://ws.bitmex.com/realtime"),
        ("linear.host", "10.0.0.1"),
    ):
        assert said("demo", {key: value})[0].startswith(
            f"override: {key}: mode simulated talks to this machine only"
        )
    for host in ("localhost", "127.0.0.2", "::1"):
        assert load_profile("demo", {"linear.host": host}).linear.host == host


@pytest.mark.parametrize(
    ("profile", "key", "value"),
    [
        ("live", "linear.account", "DU1234567"),
        ("live", "linear.port", 7497),
        ("live", "linear.port", 4002),
        ("testnet", "linear.account", "U1234567"),
        ("testnet", "linear.port", 7496),
        ("testnet", "linear.port", 4001),
        ("live", "inverse.base_url", "http://www.bitmex.com"),
        ("testnet", "inverse.ws_url", "ws://ws.testnet.bitmex.com/realtime"),
    ],
)
def test_paper_and_live_do_not_mix(profile: str, key: str, value: object) -> None:
    lines = said(profile, {key: value})
    assert len(lines) == 1
    assert lines[0].startswith(f"override: {key}: ")


@pytest.mark.parametrize("profile", ["live", "testnet"])
def test_a_secret_may_not_stand_in_a_profile_that_can_cost_money(profile: str) -> None:
    lines = said(profile, {"inverse.api_secret": "hunter2"})
    assert lines == [
        "override: inverse.api_secret: a secret may not stand in a profile; "
        "give api_secret_env or api_secret_file"
    ]


def test_a_real_future_is_named_by_its_month() -> None:
    lines = said("live", {"linear.contract.expiry": "front"})
    assert lines == [
        'override: linear.contract.expiry: "front" is for simulated profiles; name the month (YYYYMM)'
    ]


def test_overrides_may_be_text_as_from_a_command_line() -> None:
    settings = load_profile("demo", {"api.port": "0", "plan.collateral_hedge": "false", "demo.seed": "7"})
    assert (settings.api.port, settings.plan.collateral_hedge, settings.demo.seed) == (0, False, 7)


def test_settings_cannot_be_changed() -> None:
    settings = load_profile("demo")
    with pytest.raises(ValueError, match="frozen"):
        settings.api.port = 1


NEXT = {
    "symbol": "MBTM27",
    "ib_symbol": "MBT",
    "trading_class": "MBT",
    "expiry": "202706",
    "multiplier": 0.1,
    "min_tick": 5,
}


def live_with(**changes: object) -> dict[str, object]:
    """Overrides that name the month after the one of the profile ``testnet``, 202703."""
    return {f"linear.next_contract.{key}": value for key, value in (NEXT | changes).items()}


def test_the_next_month_of_the_linear_leg() -> None:
    found = load_profile("testnet", live_with()).linear.next_contract
    assert found is not None
    assert (found.symbol, found.expiry) == ("MBTM27", "202706")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        (
            {"expiry": "202703", "symbol": "MBTH7"},
            "linear.next_contract.expiry: must be a later month than linear.contract.expiry (202703)",
        ),
        (
            {"expiry": "20261225", "symbol": "MBTZ26"},
            "linear.next_contract.expiry: must be a later month than linear.contract.expiry (202703)",
        ),
        (
            {"multiplier": 5},
            "linear.next_contract.multiplier: must be linear.contract's (0.1): the same future, a later month",
        ),
        (
            {"symbol": "MBTH27"},
            "linear.next_contract.symbol: must differ from linear.contract.symbol (MBTH27)",
        ),
        (
            {"symbol": "MBTU27"},
            "linear.next_contract.symbol: 'MBTU27' must end with M27, the month of expiry 202706",
        ),
        (
            {"expiry": "front"},
            "linear.next_contract.expiry: name the month (YYYYMM): the nearest one may be linear.contract's own",
        ),
    ],
)
def test_a_next_month_that_cannot_be_one(changes: dict[str, object], complaint: str) -> None:
    lines = said("testnet", live_with(**changes))
    assert any(line.endswith(complaint) for line in lines), lines


def test_to_roll_at_expiry_needs_a_month_to_roll_into() -> None:
    assert any(
        line.endswith('automation.expiry.what: "roll" needs [linear.next_contract], the month to roll into')
        for line in said("testnet", {"automation.expiry.what": "roll"})
    )
    load_profile("testnet", live_with() | {"automation.expiry.what": "roll"})


@pytest.mark.parametrize(
    ("name", "symbol"),
    [("inverse_index", "XBTUSD"), ("inverse_average", "XBTUSD"), ("inverse_average", ".BXBT")],
)
def test_an_index_is_no_contract_and_no_other_index(name: str, symbol: str) -> None:
    key = f"automation.settlement.{name}"
    [line] = said("sim", {key: symbol})
    assert line.endswith(f"{key}: {symbol!r} is named already: it must be an index of its own")


@pytest.mark.parametrize(
    ("symbol", "following", "complaint"),
    [
        (
            "XBTH27",
            "XBTZ26",
            "'XBTZ26' must be a dated future that ends later than inverse.symbol (XBTH27)",
        ),
        (
            "XBTZ26",
            "XBTUSD",
            "'XBTUSD' must be a dated future that ends later than inverse.symbol (XBTZ26)",
        ),
    ],
)
def test_what_an_inverse_leg_cannot_be_rolled_into(symbol: str, following: str, complaint: str) -> None:
    lines = said("testnet", {"inverse.symbol": symbol, "inverse.next_symbol": following})
    assert any(line.endswith(f"inverse.next_symbol: {complaint}") for line in lines), lines


def test_a_perpetual_may_be_left_for_a_dated_future_but_that_is_no_month_for_its_partner() -> None:
    changes = {"inverse.symbol": "XBTUSD", "inverse.next_symbol": "XBTH27"}
    assert load_profile("testnet", changes).inverse.next_symbol == "XBTH27"
    lines = said("testnet", changes | {"automation.expiry.what": "roll"})
    assert any('"roll" needs [linear.next_contract]' in line for line in lines), lines


def test_the_next_month_of_a_dated_inverse_leg_is_enough_to_roll_into() -> None:
    changes = {"inverse.symbol": "XBTZ26", "inverse.next_symbol": "XBTH27", "automation.expiry.what": "roll"}
    assert load_profile("testnet", changes).inverse.next_symbol == "XBTH27"
