"""What must fit together across keys. Each rule yields (key, what is wrong and allowed)."""

from collections.abc import Iterator
from itertools import pairwise
from urllib.parse import urlsplit

from config.kinds import is_loopback
from config.settings import Inverse, LinearContract, Mode, Settings, Watchdog

Fault = tuple[str, str]

LIVE_PORTS = {7496, 4001}
PAPER_PORTS = {7497, 4002}
MONTH_CODES = "FGHJKMNQUVXZ"


def faults(settings: Settings) -> Iterator[Fault]:
    """Yield everything that does not fit together."""
    yield from _addresses(settings)
    yield from _secrets(settings)
    yield from _broker(settings)
    yield from _contract(settings, "linear.contract", settings.linear.contract)
    yield from _next_contract(settings)
    yield from _next_symbol(settings)
    yield from _plan(settings)
    yield from _bands(settings)
    yield from _standing(settings)
    yield from _api(settings)
    yield from _mqtt(settings)
    yield from _watchdog(settings)
    yield from _automation(settings)


def _addresses(settings: Settings) -> Iterator[Fault]:
    inverse = settings.inverse
    hosts = {
        "inverse.base_url": urlsplit(inverse.base_url).hostname or "",
        "inverse.ws_url": urlsplit(inverse.ws_url).hostname or "",
        "linear.host": settings.linear.host,
    }
    if settings.mode is Mode.SIMULATED:
        for key, host in hosts.items():
            if not is_loopback(host):
                yield key, f"mode simulated talks to this machine only (127.0.0.1), not to {host}"
        return
    for key, address, scheme in (
        ("inverse.base_url", inverse.base_url, "https"),
        ("inverse.ws_url", inverse.ws_url, "wss"),
    ):
        if urlsplit(address).scheme != scheme:
            yield key, f"mode {settings.mode} needs an encrypted link ({scheme}://)"


def secret_ways(section: Inverse | Watchdog, name: str) -> list[str]:
    """Return in which ways a secret is given: "" (written down), "_env", "_file"."""
    return [way for way in ("", "_env", "_file") if getattr(section, name + way) is not None]


def _secrets(settings: Settings) -> Iterator[Fault]:
    for name in ("api_key", "api_secret"):
        key = f"inverse.{name}"
        given = secret_ways(settings.inverse, name)
        if "" in given and settings.mode is not Mode.SIMULATED:
            yield key, f"a secret may not stand in a profile; give {name}_env or {name}_file"
        elif len(given) != 1:
            ways = [f"{name}{way}" for way in given]
            yield key, f"give one of {name}_env and {name}_file, not {' and '.join(ways) or 'neither'}"


def _broker(settings: Settings) -> Iterator[Fault]:
    linear = settings.linear
    if linear.flatten_client_id == linear.client_id:
        yield "linear.flatten_client_id", f"must differ from linear.client_id ({linear.client_id})"
    if linear.doctor_client_id in (linear.client_id, linear.flatten_client_id):
        yield "linear.doctor_client_id", "must differ from linear.client_id and linear.flatten_client_id"
    paper = linear.account.startswith("D")
    if settings.mode is Mode.TESTNET:
        if not paper:
            yield "linear.account", "mode testnet needs a paper account (it begins with D)"
        if linear.port in LIVE_PORTS:
            yield (
                "linear.port",
                f"{linear.port} is the port of a live login; paper has 7497 (TWS), 4002 (Gateway)",
            )
    if settings.mode is Mode.LIVE:
        if paper:
            yield "linear.account", "mode live needs a live account, and this one is paper (it begins with D)"
        if linear.port in PAPER_PORTS:
            yield (
                "linear.port",
                f"{linear.port} is the port of a paper login; live has 7496 (TWS), 4001 (Gateway)",
            )


def _contract(settings: Settings, key: str, contract: LinearContract) -> Iterator[Fault]:
    if contract.expiry == "front":
        if settings.mode is not Mode.SIMULATED:
            yield f"{key}.expiry", '"front" is for simulated profiles; name the month (YYYYMM)'
        return
    code, year = MONTH_CODES[int(contract.expiry[4:6]) - 1], contract.expiry[2:4]
    if not contract.symbol.endswith((code + year, code + year[1])):
        yield (
            f"{key}.symbol",
            f"{contract.symbol!r} must end with {code}{year}, the month of expiry {contract.expiry}",
        )


def _next_contract(settings: Settings) -> Iterator[Fault]:
    old, new, key = settings.linear.contract, settings.linear.next_contract, "linear.next_contract"
    if new is None:
        return
    if new.expiry == "front":
        yield f"{key}.expiry", "name the month (YYYYMM): the nearest one may be linear.contract's own"
        return
    yield from _contract(settings, key, new)
    if new.symbol == old.symbol:
        yield f"{key}.symbol", f"must differ from linear.contract.symbol ({old.symbol})"
    months = len("YYYYMM")
    if old.expiry != "front" and new.expiry[:months] <= old.expiry[:months]:
        yield f"{key}.expiry", f"must be a later month than linear.contract.expiry ({old.expiry})"
    for name in ("ib_symbol", "trading_class", "multiplier", "min_tick", "exchange", "currency"):
        if getattr(new, name) != getattr(old, name):
            yield (
                f"{key}.{name}",
                f"must be linear.contract's ({getattr(old, name)}): the same future, a later month",
            )


def _next_symbol(settings: Settings) -> Iterator[Fault]:
    old, new = settings.inverse.symbol, settings.inverse.next_symbol
    if new is None:
        return
    before, after = _month_of(old), _month_of(new)
    if after is None or (before is not None and after <= before):
        yield (
            "inverse.next_symbol",
            f"{new!r} must be a dated future that ends later than inverse.symbol ({old})",
        )


def _month_of(symbol: str) -> tuple[str, int] | None:
    """The year and month a dated inverse future's symbol ends with, as in XBTZ26; None of a perpetual's."""
    code, year = symbol[-3:-2], symbol[-2:]
    return (year, MONTH_CODES.index(code)) if year.isdigit() and code and code in MONTH_CODES else None


def _plan(settings: Settings) -> Iterator[Fault]:
    plan = settings.plan
    if plan.size_xbt > settings.limits.max_plan_xbt:
        yield "plan.size_xbt", f"must be at most limits.max_plan_xbt ({settings.limits.max_plan_xbt})"
    if plan.min_basis is not None and plan.max_basis is not None and plan.min_basis > plan.max_basis:
        yield "plan.min_basis", f"must be at most plan.max_basis ({plan.max_basis})"


def _bands(settings: Settings) -> Iterator[Fault]:
    limits = settings.limits
    if any(later <= earlier for earlier, later in pairwise(limits.pay_up_percent)):
        yield "limits.pay_up_percent", "each step must pay more than the one before"
    if limits.hard_band_percent < max(limits.pay_up_percent):
        yield "limits.hard_band_percent", f"must be at least the last pay-up ({max(limits.pay_up_percent)})"
    yield from _pay_up(settings)
    if limits.price_band_percent <= limits.hard_band_percent:
        yield (
            "limits.price_band_percent",
            f"must be above limits.hard_band_percent ({limits.hard_band_percent})",
        )


def _pay_up(settings: Settings) -> Iterator[Fault]:
    limits = settings.limits
    if any((rung.ticks is None) == (rung.percent is None) for rung in limits.pay_up):
        yield "limits.pay_up", "each step goes by ticks or by percent: one of the two"
        return
    for kind in ("ticks", "percent"):
        steps = [getattr(rung, kind) for rung in limits.pay_up if getattr(rung, kind) is not None]
        if any(later < earlier for earlier, later in pairwise(steps)):
            yield "limits.pay_up", f"no step in {kind} may pay less than one before it"
        if kind == "percent" and steps and steps[-1] > limits.hard_band_percent:
            yield "limits.hard_band_percent", f"must be at least the last pay-up ({steps[-1]})"
    if limits.pay_up and limits.pay_up[0].after_seconds:
        yield "limits.pay_up", "the first step waits for nothing: what has filled is hedged at once"
    waits = float(sum(rung.after_seconds for rung in limits.pay_up)) + limits.hedge_rests_milliseconds / 1000
    if waits >= limits.unhedged_seconds:
        yield (
            "limits.unhedged_seconds",
            f"must be longer than the hedge rests and its steps wait ({waits:g} s): it would be unwound before",
        )


def _standing(settings: Settings) -> Iterator[Fault]:
    limits = settings.limits
    if limits.standing_daily_xbt > limits.standing_total_xbt:
        yield (
            "limits.standing_daily_xbt",
            f"must be at most limits.standing_total_xbt ({limits.standing_total_xbt})",
        )
    if limits.standing_price_band_percent <= limits.price_band_percent:
        yield (
            "limits.standing_price_band_percent",
            f"must be above limits.price_band_percent ({limits.price_band_percent}): no ticket would fit into it",
        )


def _api(settings: Settings) -> Iterator[Fault]:
    if not is_loopback(settings.api.host) and not settings.api.allow_remote:
        yield (
            "api.host",
            f"{settings.api.host} can be reached from other machines: 127.0.0.1, or api.allow_remote = true",
        )


def _mqtt(settings: Settings) -> Iterator[Fault]:
    mqtt = settings.mqtt
    if mqtt is None:
        return
    if not is_loopback(mqtt.host):
        if settings.mode is Mode.SIMULATED:
            yield "mqtt.host", f"mode simulated talks to this machine only (127.0.0.1), not to {mqtt.host}"
        elif not mqtt.tls:
            yield "mqtt.tls", f"{mqtt.host} is another machine: its link must be encrypted (tls = true)"
    for name in ("password", "command_key"):
        given = [way for way in ("_env", "_file") if getattr(mqtt, name + way) is not None]
        if len(given) > 1:
            yield f"mqtt.{name}", f"give one of {name}_env and {name}_file, not both"
        if name == "password" and bool(given) != (mqtt.username is not None):
            yield "mqtt.username", "username and password go together"


def _watchdog(settings: Settings) -> Iterator[Fault]:
    watchdog, linear = settings.watchdog, settings.linear
    if watchdog is None:
        return
    host = urlsplit(watchdog.url).hostname or ""
    if settings.mode is Mode.SIMULATED and not is_loopback(host):
        yield "watchdog.url", f"mode simulated talks to this machine only (127.0.0.1), not to {host}"
    if watchdog.client_id in (linear.client_id, linear.flatten_client_id, linear.doctor_client_id):
        yield (
            "watchdog.client_id",
            "must differ from those in [linear]: it logs in beside bot, flatten and doctor",
        )
    if watchdog.neutral is not None and watchdog.neutral.max_xbt > settings.limits.standing_daily_xbt:
        most = settings.limits.standing_daily_xbt
        yield "watchdog.neutral.max_xbt", f"must be at most limits.standing_daily_xbt ({most})"
    given = {name: secret_ways(watchdog, name) for name in ("api_key", "api_secret")}
    for name, ways in given.items():
        if "" in ways and settings.mode is not Mode.SIMULATED:
            yield f"watchdog.{name}", f"a secret may not stand in a profile; give {name}_env or {name}_file"
        elif len(ways) > 1:
            yield f"watchdog.{name}", f"give one of {' and '.join(name + way for way in ways)}, not both"
    if bool(given["api_key"]) != bool(given["api_secret"]):
        yield "watchdog.api_key", "key and secret go together; without both, the inverse venue's are used"


def _automation(settings: Settings) -> Iterator[Fault]:
    margin = settings.automation.margin
    if margin is not None:
        levels = [
            ("last_percent", margin.last_percent),
            ("top_up_percent", margin.top_up_percent),
            ("aim_percent", margin.aim_percent),
            ("release_percent", margin.release_percent),
        ]
        for (low, less), (high, more) in pairwise(levels):
            if more <= less:
                yield f"automation.margin.{high}", f"must be more than {low} ({less})"
    settlement = settings.automation.settlement
    if settlement is not None and settlement.together_percent >= settlement.apart_percent:
        most = settlement.apart_percent
        yield "automation.settlement.together_percent", f"must be less than apart_percent ({most})"
    if settlement is not None:
        # An index's rows are taken from the stream for it alone: those of a contract would be missing there.
        traded = (settings.inverse.symbol, settings.inverse.next_symbol, settlement.inverse_index)
        for name, symbol, others in (
            ("inverse_index", settlement.inverse_index, traded[:2]),
            ("inverse_average", settlement.inverse_average, traded),
        ):
            if symbol is not None and symbol in others:
                yield (
                    f"automation.settlement.{name}",
                    f"{symbol!r} is named already: it must be an index of its own",
                )
    expiry = settings.automation.expiry
    if (
        expiry is not None
        and expiry.what == "roll"
        and settings.linear.next_contract is None
        and (settings.inverse.next_symbol is None or _month_of(settings.inverse.symbol) is None)
    ):
        yield "automation.expiry.what", '"roll" needs [linear.next_contract], the month to roll into'
    closure = settings.automation.closure
    if closure is not None and closure.finish_minutes >= closure.lead_hours * 60:
        yield "automation.closure.finish_minutes", f"must be less than lead_hours ({closure.lead_hours})"
    if closure is not None and closure.stops is not None and settings.automation.orphan is None:
        yield (
            "automation.closure.stops",
            "needs [automation.orphan]: what a stop leaves alone has to be answered",
        )
