"""The settings of one instance, typed. What each key means stands beside it in the profiles.

Money and sizes are Decimal, in the unit their name ends with; a price is USD per XBT; times are seconds.
"""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, SecretStr

from config.automation import Automation
from config.kinds import (
    Count,
    Expiry,
    HttpAddress,
    Name,
    Number,
    Percent,
    Port,
    Positive,
    Seconds,
    Section,
    Text,
    Variable,
    WebsocketAddress,
)
from risk.direction import Direction


class Mode(StrEnum):
    """SIMULATED talks to this machine only. LIVE needs an explicit flag as well (``require_consent``)."""

    SIMULATED = "simulated"
    TESTNET = "testnet"
    LIVE = "live"


class Inverse(Section):
    """The inverse venue: contracts in USD, margin and results in XBT.

    Each secret comes from an environment variable or a file; ``config.secrets`` fetches them when needed.
    Only a simulated profile may write them down, its keys being open to everybody anyway.

    ``next_symbol``: the later dated future a roll of ``symbol`` goes into; beside a perpetual, the dated one to leave
    it for when its funding costs too much. As ``linear.next_contract`` it is loaded and quoted from the start.
    """

    adapter: Literal["bitmex"]
    base_url: HttpAddress
    ws_url: WebsocketAddress
    symbol: Text
    next_symbol: Text | None = None
    api_key: SecretStr | None = None
    api_key_env: Variable | None = None
    api_key_file: Path | None = None
    api_secret: SecretStr | None = None
    api_secret_env: Variable | None = None
    api_secret_file: Path | None = None
    request_timeout_seconds: Seconds = 5.0
    connect_timeout_seconds: Seconds = 10.0


class LinearContract(Section):
    """One future at the broker, and what it must turn out to be.

    ``expiry``: YYYYMM, YYYYMMDD, or "front" for the nearest one listed. ``multiplier``: XBT per contract,
    ``min_tick``: USD per XBT; both are held against what the broker states.
    """

    symbol: Text
    ib_symbol: Text
    trading_class: Text
    expiry: Expiry
    multiplier: Positive
    min_tick: Positive
    exchange: Text = "CME"
    currency: Literal["USD"] = "USD"


class Linear(Section):
    """The linear venue: CME through TWS or IB Gateway. ``flatten`` and ``doctor`` log in beside the
    bot, each as itself.

    ``next_contract``: the month a roll goes into. It is loaded, quoted and reconciled from the start, and traded by
    nothing but a roll, until the old month is flat: then it is the pair's.
    """

    adapter: Literal["ibkr"]
    host: Text
    port: Port
    client_id: Count
    flatten_client_id: Count
    doctor_client_id: Count = 13
    account: Text
    contract: LinearContract
    next_contract: LinearContract | None = None
    connect_timeout_seconds: Seconds = 10.0
    question_timeout_seconds: Seconds = 10.0
    order_timeout_seconds: Seconds = 5.0
    heartbeat_seconds: Seconds = 1.0


class Plan(Section):
    """What ``plan open`` and ``plan close`` propose where the command line says nothing else.

    ``working``: which leg goes first. ``style``: how it is priced; see ``bot.model.legging``. ``min_lean_xbt`` and
    ``depth_multiple``: what the hedge venue's best price must hold for a working order to go.
    """

    direction: Direction
    size_xbt: Positive
    tranches: Annotated[Count, Field(le=90)]
    collateral_hedge: bool = True
    min_basis: Number | None = None
    max_basis: Number | None = None
    target_delta_xbt: Number = Decimal(0)
    working: Literal["linear", "inverse"] = "linear"
    style: Literal["marketable", "join", "improve", "edge"] = "marketable"
    reprices_per_minute: Annotated[Count, Field(le=120)] = 12
    min_lean_xbt: Annotated[Number, Field(ge=0)] = Decimal(0)
    depth_multiple: Annotated[Number, Field(ge=0)] = Decimal(0)


class Rung(Section):
    """One step of a hedge's escalation: how far past the best price, in ``ticks`` of the contract or in ``percent`` of
    the price, and how long after the step before it may be tried."""

    ticks: Annotated[int, Field(ge=0, le=10_000)] | None = None
    percent: Annotated[Number, Field(ge=0, le=100)] | None = None
    after_seconds: Annotated[Number, Field(ge=0, le=60)] = Decimal(0)


class Limits(Section):
    """What no plan and no person at the console can exceed without changing the profile.

    Percentages are of the price, except ``max_inverse_margin_percent`` and ``max_linear_margin_percent``: initial
    margin in per cent of the account's equity, beyond which no tranche is proposed, and ``rate_reserve_percent``: of a
    venue's rate limit. The bands nest: pay-up ≤ hard band < price band. ``pay_up``, where it is given, takes the place
    of ``pay_up_percent``; ``slop_ticks`` are the linear contract's ticks.
    """

    max_plan_xbt: Positive
    max_unattended_delta_xbt: Positive
    max_quote_age_seconds: Seconds
    max_quiet_move_percent: Percent
    max_apart_percent: Percent = Decimal(15)
    close_margin_seconds: Seconds
    price_band_percent: Percent
    pay_up_percent: Annotated[tuple[Percent, ...], Field(min_length=1, max_length=10)]
    pay_up: Annotated[tuple[Rung, ...], Field(max_length=10)] = ()
    hard_band_percent: Percent
    hedge_rests_milliseconds: Annotated[int, Field(ge=0, le=30_000)] = 0
    unhedged_seconds: Seconds
    basis_slack_percent: Percent
    slop_ticks: Annotated[Count, Field(ge=0)]
    inverse_slop_ticks: Annotated[Count, Field(ge=0)] = 20
    clip_pause_seconds: Seconds
    rest_seconds: Annotated[float, Field(ge=2, le=60)] = 10.0
    switch_seconds: Annotated[float, Field(ge=5, le=60)] = 20.0
    ask_every_seconds: Seconds
    max_inverse_margin_percent: Percent
    max_linear_margin_percent: Percent
    refuse_unknown_margin: bool
    what_if_seconds: Seconds
    max_order_notional_usd: Positive
    max_delta_after_xbt: Positive
    max_open_orders: Annotated[Count, Field(le=20)]
    funding_margin_seconds: Annotated[Seconds, Field(le=3600)]
    max_clock_skew_seconds: Seconds
    rate_reserve_percent: Annotated[Percent, Field(le=90)]
    approve_by_seconds: Seconds
    execute_by_seconds: Seconds
    reserved_attempts: Annotated[Count, Field(le=200)]
    hedge_deadline_seconds: Seconds
    exit_confirm_seconds: Seconds = 10.0
    exit_quotes: Annotated[Count, Field(le=100)] = 3
    opening_margin_minutes: Annotated[Number, Field(ge=0, le=1440)] = Decimal(15)
    settlement_margin_hours: Annotated[Number, Field(ge=0, le=720)] = Decimal(24)
    capital_reserve_percent: Annotated[Number, Field(ge=0, lt=100)] = Decimal(10)
    capital_reserve_xbt: Annotated[Number, Field(ge=0)] = Decimal(0)
    capital_reserve_usd: Annotated[Number, Field(ge=0)] = Decimal(0)
    standing_days: Annotated[Count, Field(le=366)]
    standing_daily_xbt: Positive
    standing_total_xbt: Positive
    standing_price_band_percent: Annotated[Percent, Field(lt=100)]


class Ledger(Section):
    """``path`` is taken from the data folder unless it is absolute. ``min_free_megabytes``: with less room on the
    data folder's disk, ``doctor`` fails."""

    path: Path = Path("ledger.sqlite3")
    min_free_megabytes: Count = 500


class Api(Section):
    """Where console and API listen. Beyond loopback only with ``allow_remote``. Port 0: any free one."""

    host: Text = "127.0.0.1"
    port: Port = 8460
    allow_remote: bool = False


class Mqtt(Section):
    """A broker to publish to. Without ``command_key_…`` nothing is taken from it; with it, a signed ``halt``.

    ``prefix``: the first level of every topic; the instance's name is the second.
    """

    host: Text
    port: Port = 1883
    tls: bool = False
    prefix: Name = "basisbot"
    username: Text | None = None
    password_env: Variable | None = None
    password_file: Path | None = None
    command_key_env: Variable | None = None
    command_key_file: Path | None = None


class WatchdogNeutral(Section):
    """What a person allows the watchdog beyond cancels, by writing it down: a standing approval. ``until``: its last
    day (UTC). ``max_xbt``: the most that is reduced in one silence. Nothing is done while Δ is within ``band_xbt`` of
    ``target_delta_xbt``, nor before everything has stood still for ``after_seconds``.
    """

    approved_by: Text
    until: date
    max_xbt: Positive
    band_xbt: Positive
    target_delta_xbt: Number = Decimal(0)
    after_seconds: Annotated[Seconds, Field(ge=10, le=3600)] = 60.0


class Watchdog(Section):
    """``basisbot watchdog``, which may run on another machine: where it hears the bot, and as whom it acts.

    Keys of its own need the right to cancel and no other, with ``neutral`` the right to order; without them it uses the
    inverse venue's. ``client_id``: at the broker. ``global_cancel``: it may cancel every order of the broker's account
    while one of the bot's rests there.
    ``alert_command``: run for each alert, with code and text as its last two arguments.
    """

    url: HttpAddress
    silence_seconds: Annotated[Seconds, Field(ge=5, le=3600)]
    client_id: Count = 14
    global_cancel: bool = False
    api_key: SecretStr | None = None
    api_key_env: Variable | None = None
    api_key_file: Path | None = None
    api_secret: SecretStr | None = None
    api_secret_env: Variable | None = None
    api_secret_file: Path | None = None
    alert_command: tuple[Text, ...] = ()
    neutral: WatchdogNeutral | None = None


class Demo(Section):
    """How long ``basisbot demo`` holds the spread, how often funding is paid meanwhile, and its seed."""

    seconds: Seconds = 20.0
    funding_every_seconds: Seconds = 5.0
    seed: Annotated[Count, Field(ge=0)] = 1


class Settings(Section):
    """Everything one instance is told. Immutable; no secret shows in ``repr`` or in ``redacted()``."""

    instance: Name
    mode: Mode
    data_dir: Path
    inverse: Inverse
    linear: Linear
    plan: Plan
    limits: Limits
    automation: Automation = Automation()
    ledger: Ledger = Ledger()
    api: Api = Api()
    mqtt: Mqtt | None = None
    watchdog: Watchdog | None = None
    demo: Demo = Demo()

    _source: Path = PrivateAttr(default=Path())
    _rests_on: dict[str, str] = PrivateAttr(default_factory=dict)

    @property
    def source(self) -> Path:
        """The profile's file."""
        return self._source

    @property
    def rests_on(self) -> dict[str, str]:
        """By dotted key: the recorded history a percentage was taken from, in words."""
        return dict(self._rests_on)

    @property
    def ledger_path(self) -> Path:
        return self.data_dir / self.ledger.path

    def redacted(self) -> dict[str, Any]:
        """Return the settings as plain JSON values, secrets masked."""
        return self.model_dump(mode="json", exclude_none=True)
