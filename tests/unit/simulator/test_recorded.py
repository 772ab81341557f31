"""Recorded prices as a market: formats, walks, outages, and files that are not what they should be."""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.simulator.exchange.catalog import mbt, xbt_future, xbtusd
from adapters.simulator.market.formats import open_recording
from adapters.simulator.market.recorded import RecordedMarket
from adapters.simulator.market.update import MarketUpdate
from adapters.simulator.scenario import MarketScenario, Scenario, ScenarioError
from adapters.simulator.world import build
from tests.unit.simulator.support import START, ManualClock, dollars

QUOTES = "timestamp,xbtusd_bid,xbtusd_ask,xbtm19_bid,xbtm19_ask"
MINUTES = "ts_bar_end_utc,open,high,low,close,volume,trades"
HOURS = "ts_utc,cme_contract,cme_price,cme_next_contract,cme_next_price,xbtusd_price"
FUNDING = "timestamp,symbol,fundingInterval,fundingRate,fundingRateDaily"
SPECS = [xbtusd(), xbt_future(2026, 12), mbt(2026, 12)]
SHARED = Path(__file__).parents[4] / "shared" / "data"
SECOND = timedelta(seconds=1)


def file(folder: Path, *lines: str, packed: bool = False) -> Path:
    path = folder / "recorded.csv"
    text = "\n".join(lines).encode() + b"\n"
    path.write_bytes(gzip.compress(text) if packed else text)
    return path


def market(path: Path, data_from: datetime | None = None, speed: int = 1) -> RecordedMarket:
    scenario = MarketScenario(data=path, data_from=data_from, speed=speed)
    return RecordedMarket(scenario, SPECS, 1, START)


def best(update: MarketUpdate) -> tuple[float, float] | None:
    if not update.bids or not update.asks:
        return None
    return update.bids[0].price / 100, update.asks[0].price / 100


def told(source: RecordedMarket, seconds: float) -> dict[str, tuple[float, float] | None]:
    return {update.symbol: best(update) for update in source.step(START + seconds * SECOND)}


@pytest.mark.parametrize("packed", [False, True])
def test_quotes_are_played_at_their_times(tmp_path: Path, packed: bool) -> None:
    source = market(
        file(
            tmp_path,
            QUOTES,
            "2019-05-28T18:23:03.000Z,8756.5,8757.0,8953.0,8953.5",
            "2019-05-28T18:23:05.000Z,8760.0,8760.5,8960.0,8960.5",
            "2019-05-28T18:23:07.000Z,8761.0,8760.5,8960.0,8960.5",
            packed=packed,
        )
    )
    assert told(source, 0) == {"XBTUSD": (8756.5, 8757), "XBTZ26": (8953, 8953.5), "MBTZ6": (8950, 8955)}
    assert told(source, 1.9)["XBTUSD"] == (8756.5, 8757)
    assert told(source, 2)["XBTUSD"] == (8760, 8760.5)
    assert told(source, 4)["XBTUSD"] == (8760, 8760.5)  # a crossed row says nothing
    assert source.step(START + 4 * SECOND)[0].index == dollars(8760.25)


def test_a_recording_begins_where_both_venues_are_quoted(tmp_path: Path) -> None:
    path = file(
        tmp_path,
        HOURS,
        "2018-01-02T02:00Z,201802,,201803,13920.0,13721.5",
        "2018-01-02T03:00Z,201802,13435.0,201803,13580.0,",
        "2018-01-02T04:00Z,201802,13430.0,201803,13580.0,13374.0",
    )
    assert told(market(path), 0)["MBTZ6"] == (13_430, 13_435)
    from_the_first = market(path, datetime(2018, 1, 2, tzinfo=UTC))
    assert told(from_the_first, 0)["MBTZ6"] is None


def test_a_hole_in_the_quotes_is_an_outage_and_not_a_calm(tmp_path: Path) -> None:
    source = market(
        file(
            tmp_path,
            QUOTES,
            "2019-05-28T18:00:00Z,8756.5,8757.0,8953.0,8953.5",
            "2019-05-28T20:00:00Z,8500.0,8500.5,8700.0,8700.5",
        )
    )
    assert told(source, 60)["XBTUSD"] == (8756.5, 8757)
    assert told(source, 61) == {"XBTUSD": None, "XBTZ26": None, "MBTZ6": None}
    assert told(source, 62) == {}
    assert told(source, 7_200)["XBTUSD"] == (8500, 8500.5)
    assert told(source, 7_261) == {"XBTUSD": None, "XBTZ26": None, "MBTZ6": None}
    assert told(source, 10**6) == {}


def test_minutes_are_walked_through_their_extremes(tmp_path: Path) -> None:
    source = market(
        file(
            tmp_path,
            MINUTES,
            "2020-03-13T02:15Z,3765.5,3765.5,3669.0,3670.5,9914202,2998",
            "2020-03-13T02:16Z,3670.5,3715.5,3596.0,3700.0,9799387,2315",
        ),
    )
    # It starts at the first point of the first bar, 02:14:20; a fall goes high, low, close.
    bids = [told(source, second)["XBTUSD"] for second in (0, 20, 40, 60, 80, 100)]
    assert [pair[0] for pair in bids if pair] == [3765.5, 3669, 3670.5, 3596, 3715.5, 3700]


def test_minutes_in_which_next_to_nobody_traded_are_an_outage(tmp_path: Path) -> None:
    rows = [
        f"2020-03-13T02:{minute}Z,3607.0,3607.0,3607.0,3607.0,10,{trades}"
        for minute, trades in (
            (10, 500),
            (11, 3),
            (12, 500),
            (16, 500),
            (17, 1),
            (18, 5),
            (19, 13),
            (20, 500),
        )
    ]
    source = market(file(tmp_path, MINUTES, *rows), datetime(2020, 3, 13, 2, 10, tzinfo=UTC))
    at = {minute: (minute - 10) * 60 for minute in range(10, 21)}
    assert told(source, at[11])["XBTUSD"] is not None  # one quiet minute is a calm one
    assert told(source, at[16] - 1)["XBTUSD"] is not None
    assert told(source, at[16])["XBTUSD"] is None
    assert told(source, at[18]) == {}
    assert told(source, at[20])["XBTUSD"] is not None


def test_cme_closes_while_the_perpetual_goes_on(tmp_path: Path) -> None:
    source = market(
        file(
            tmp_path,
            HOURS,
            "2018-01-02T04:00Z,201802,13430.0,201803,13580.0,13374.0",
            "2018-01-02T05:00Z,201802,,201803,13890.0,13552.5",
        )
    )
    assert told(source, 0)["MBTZ6"] == (13430, 13435)
    assert told(source, 3_600) == {"XBTUSD": (13552.5, 13552.6), "XBTZ26": (13674, 13674.5), "MBTZ6": None}


def test_a_recording_can_start_later_and_run_faster(tmp_path: Path) -> None:
    rows = [
        f"2019-05-28T18:00:{second:02}Z,{8000 + second}.0,{8001 + second}.0,9000.0,9001.0"
        for second in range(60)
    ]
    source = market(file(tmp_path, QUOTES, *rows), datetime(2019, 5, 28, 18, 0, 10, tzinfo=UTC), speed=10)
    assert told(source, 0)["XBTUSD"] == (8010, 8011)
    assert told(source, 3)["XBTUSD"] == (8040, 8041)
    assert source.recorded_time(START + 3 * SECOND) == datetime(2019, 5, 28, 18, 0, 40, tzinfo=UTC)
    with pytest.raises(ScenarioError, match="gaps it had"):
        source.gap(100_000)


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ([], "unknown columns: none"),
        (["a,b,c"], "unknown columns: a,b,c"),
        ([QUOTES], "holds no row"),
        ([QUOTES, "2019-05-28T18:23:03Z,1,2,3"], "line 2: 4 columns instead of 5"),
        ([QUOTES, "yesterday,1,2,3,4"], "line 2: Invalid isoformat"),
        ([QUOTES, "2019-05-28T18:23:03Z,x,2,3,4"], "line 2: no price: 'x'"),
        ([QUOTES, "2019-05-28T18:23:03Z,nan,2,3,4"], "no price: 'nan'"),
        ([QUOTES, "2019-05-28T18:23:03Z,-1,2,3,4"], "no price: '-1'"),
        (
            [QUOTES, "2019-05-28T18:23:03Z,1,2,3,4", "2019-05-28T18:23:02Z,1,2,3,4"],
            "line 3: 2019-05-28 18:23:02Z comes after 2019-05-28 18:23:03Z",
        ),
        ([MINUTES, "2020-03-13T02:15Z,1,3,1,2,5,many"], "line 2: invalid literal"),
        ([MINUTES, "2020-03-13T02:15Z,1,3,2,4,5,6"], "line 2: the close 4 lies outside 2 to 3"),
        (["ts_utc,cme_contract,cme_price,xbtusd_price"], "this one lacks cme_next_contract, cme_next_price"),
        ([QUOTES + ",more"], "has them in another order, or more of them"),
        ([HOURS, "2018-01-02T04:00Z,201813,1,,,2"], "line 2: no month of a contract: '201813'"),
        (
            [HOURS, "2018-01-02T04:00Z,201802,1,,,2", "2018-01-02T05:00Z,201802,1"],
            "line 3: 3 columns instead of 6",
        ),
        (
            [FUNDING, "2018-01-01T04:00:00Z,XBTUSD,x,0.001,0.003"],
            "holds funding rates of the perpetual, and no prices",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_one_line(
    tmp_path: Path, lines: list[str], complaint: str
) -> None:
    with pytest.raises(ScenarioError) as raised:
        market(file(tmp_path, *lines)).step(START)
    assert complaint in str(raised.value)
    assert "recorded.csv" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="cannot be read: No such file"):
        market(tmp_path / "nothing.csv")
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(gzip.compress(b"x" * 10_000)[:30])
    with pytest.raises(ScenarioError, match="cannot be read"):
        market(cut)
    latin = tmp_path / "latin.csv"
    latin.write_bytes(b"\xe9,1\n")
    with pytest.raises(ScenarioError, match="cannot be read"):
        market(latin)


def test_a_world_plays_a_recording(tmp_path: Path) -> None:
    path = file(
        tmp_path,
        QUOTES,
        "2019-05-28T18:00:00Z,8756.5,8757.0,8953.0,8953.5",
        "2019-05-28T18:00:30Z,8800.0,8800.5,8953.0,8953.5",
    )
    clock = ManualClock()
    world = build(Scenario(market=MarketScenario(data=path)), clock)
    assert world.inverse.ticker("XBTUSD").bid == dollars(8756.5)
    clock.advance(30 * SECOND)
    world.step()
    assert world.inverse.ticker("XBTUSD").bid == dollars(8800)
    clock.advance(61 * SECOND)
    world.step()
    assert world.inverse.book("XBTUSD").bids == world.linear.book("MBTZ6").asks == ()


@pytest.mark.skipif(not SHARED.is_dir(), reason="recorded data is not beside the project")
@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("xbtusd_xbtm19_bidask_20190528_20190604.csv.gz", 20_000),
        ("xbtusd_1m_2020-02-15_2020-05-31.csv.gz", 20_000),
        ("cme_bitmex_hourly_2018_2020.csv.gz", 5_000),
    ],
)
def test_the_public_recordings_read(name: str, rows: int) -> None:
    _, moments = open_recording(SHARED / name)
    read = [moment for moment, _ in zip(moments, range(rows), strict=False)]
    assert len(read) == rows
    assert all(moment.perpetual is None or moment.perpetual.bid > 300_000 for moment in read)
    assert sum(moment.perpetual is not None for moment in read) > rows * 0.7


@pytest.mark.skipif(not SHARED.is_dir(), reason="recorded data is not beside the project")
def test_the_night_of_the_crash_has_its_outage() -> None:
    path = SHARED / "xbtusd_1m_2020-02-15_2020-05-31.csv.gz"
    source = market(path, datetime(2020, 3, 13, 2, 10, tzinfo=UTC))
    lowest = min(pair[0] for second in range(360) if (pair := told(source, second).get("XBTUSD")))
    assert lowest == 3_596
    assert told(source, 361)["XBTUSD"] is None
    assert all(told(source, second) == {} for second in range(362, 19 * 60, 60))
    assert told(source, 22 * 60)["XBTUSD"] is not None
