"""The calculators as a person types them. Figures: DOMAIN.md, sections 2, 3 and 5."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.cli.app import app
from bot.cli.guides import corrections


def run(*words: str) -> Any:
    done = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def refused(*words: str) -> str:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code != 0
    return done.output + str(done.exception)


def test_profit_fees_and_funding() -> None:
    words = "calc pnl --contracts 10000 --entry 20000 --exit 21000 --fee 0.075% --funding 0.01% --intervals 2"
    found = run(*words.split())
    assert found["gross_xbt"] == "0.02381"
    assert found["net_xbt"] == "0.02297786"
    assert found["net_usd_at_exit"] == "482.54"


@pytest.mark.parametrize(
    ("words", "at"),
    [
        ("--contracts 100 --entry 20000 --leverage 10", "18264.84"),
        ("--contracts -100 --entry 20000 --leverage 10", "22099.45"),
        ("--contracts -300000 --entry 10000 --wallet 5", "11928.43"),
        ("--contracts 200000 --entry 8000 --wallet 5", "6694.56"),
        ("--contracts -100 --entry 20000 --leverage 1", None),
    ],
)
def test_liquidation(words: str, at: str | None) -> None:
    assert run("calc", "liquidation", *words.split())["liquidation"] == at


def test_margin_with_fees() -> None:
    found = run("calc", "margin", "--contracts", "30000", "--entry", "30000", "--leverage", "10")
    assert found["initial_rate"] == "0.1"
    # 0.99999900 XBT × (0.1 + 0.0005 + 0.0005 × 1.1), rounded up: 0.10105 to five places.
    assert found["order_margin_xbt"] == "0.1010499"


def test_the_five_xbt_table() -> None:
    moves = run("calc", "moves")["moves"]
    assert [(row["down"], row["up"]) for row in moves] == [
        ("4444.44", "40000"),
        ("6896.55", "9523.81"),
        ("7407.41", "8695.65"),
        ("7692.31", "8333.33"),
        ("7874.02", "8130.08"),
        ("7936.51", "8064.52"),
    ]


def test_gap() -> None:
    fall = run("calc", "gap", "--gap", "-20%")
    assert (fall["inverse_side"], fall["inverse_contracts"], fall["inverse_usd"]) == (
        "long",
        156_800,
        "156862.75",
    )
    assert run("calc", "gap", "--gap", "0.155")["linear_equity_per_usd"] == "1.31"


def test_a_bare_number_above_one_is_no_percentage() -> None:
    """20 could be twenty per cent or twenty times: neither is guessed."""
    refused = CliRunner().invoke(app, ["calc", "gap", "--gap", "20"])
    assert refused.exit_code == 2
    assert "20%" in refused.output
    assert run("calc", "gap", "--gap", "20%") == run("calc", "gap", "--gap", "0.2")


def test_funding_is_paid_by_longs_while_the_rate_is_positive() -> None:
    words = ("--price", "20000", "--rate", "0.01%")
    assert run("calc", "funding", "--contracts", "10000", *words)["funding_usd"] == "-1"
    assert run("calc", "funding", "--contracts", "-10000", *words)["funding_usd"] == "1"


def test_scenario_prints_the_spread_of_the_guides() -> None:
    found = run(
        "scenario", "--direction", "short-inverse", "--inverse-price", "10000", "--linear-price", "8000"
    )
    assert [row["inverse_xbt"] for row in found["at"]] == ["37.5", "6.25", "-9.375"]
    assert {row["hedged_total_usd"] for row in found["at"]} == {"60000"}
    assert found["collateral_in_full_xbt"] == "6.25"
    text = CliRunner().invoke(app, ["scenario"]).output
    assert "liquidated near 6,694.56" in text
    assert max(map(len, text.splitlines())) <= 80


def test_capital() -> None:
    base = [
        "calc",
        "capital",
        "--xbt",
        "10",
        "--usd",
        "500000",
        "--inverse-price",
        "80000",
        "--linear-price",
        "81000",
    ]
    found, kept = run(*base), run(*base, "--no-convert")
    assert float(found["size_xbt"]) > float(kept["size_xbt"]) > 0
    assert float(kept["inverse_collateral_xbt"]) <= 10
    assert float(kept["broker_usd"]) <= 500_000


def test_the_claims_in_circulation_are_corrected() -> None:
    told = dict(corrections())
    assert len(told) == 15
    said = " | ".join(told.values())
    for figure in (
        "0.02381000",
        "0.02631600",
        "18,264.84 / 22,099.45",
        "0.02297786 XBT, 482.54",
        "0.10105",
        "0.04166750",
    ):
        assert figure in said
    for figure in (
        "498.00",
        "0.00735290 XBT, 62.50",
        "-0.00833330",
        "-0.498 % / +0.503 %",
        "7.50 a side, 15.00",
    ):
        assert figure in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("scenario --size 12", "no whole number of contracts of 5 XBT"),
        ("scenario --at x", "'x' is not a number"),
        ("scenario --leverage 1", "between 0 and 1"),
        ("calc gap --gap -200%", "above −100"),
        ("calc gap --gap nan", "not a number"),
        ("calc pnl --contracts 0 --entry 1 --exit 2", "position of nothing"),
        ("calc liquidation --contracts 1 --entry 8000", "either --leverage"),
        ("calc capital --xbt -1 --usd 5 --inverse-price 8 --linear-price 9", "must not be negative"),
        ("calc moves --sizes ,", "commas between"),
    ],
)
def test_a_wrong_word_is_named(words: str, said: str) -> None:
    assert said in refused(*words.split())
