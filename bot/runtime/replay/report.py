"""The report of a replay as JSON values, and both reports as files beside the ledger."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from bot.runtime.replay.beside import Beside
from bot.runtime.replay.margins import Low, Need, Standing
from bot.runtime.replay.page import page
from bot.runtime.replay.result import NOT_EVIDENCE, Asked, Played, Replayed
from bot.runtime.replay.series import Drawdown, Sample
from bot.runtime.replay.worth import brought, gained, naked
from risk.orders import Fill

HTML, JSON = "report.html", "report.json"


def write(result: Replayed, folder: Path, beside: Beside | None = None) -> tuple[Path, Path]:
    """Write both reports into ``folder``; return where they are. Raises OSError."""
    html, told = folder / HTML, folder / JSON
    html.write_text(page(result, beside), encoding="utf-8")
    told.write_text(
        json.dumps(as_json(result, beside) | {"series": dict(_series(result))}, indent=1) + "\n",
        encoding="utf-8",
    )
    return html, told


def as_json(result: Replayed, beside: Beside | None = None) -> dict[str, Any]:
    """Return everything but the series and the tickets' own figures; numbers that are not counts are text."""
    told = _as_json(result)
    return told if beside is None else told | {"automation": _automation(beside)}


def _automation(beside: Beside) -> dict[str, Any]:
    """Return both ways' figures, and what the bot did by itself."""
    return {
        "without": _judged(beside.without, beside.band),
        "with": _judged(beside.watched, beside.band),
        "own": [
            {field.name: _plain(getattr(one, field.name)) for field in fields(one)}
            for one in beside.watched.own
        ],
        "asked": [
            {"at": _time(at), "what": alert.text}
            for at, alert in beside.watched.alerted
            if alert.code == "TRANSFER_WANTED"
        ],
        "sent": [
            {field.name: _plain(getattr(one, field.name)) for field in fields(one)}
            for one in beside.watched.sent
        ],
    }


def _judged(result: Replayed, band: Decimal) -> dict[str, Any]:
    delta = naked(result, band)
    return {
        "gained_usd": _number(gained(result)),
        "brought_usd": _number(brought(result)),
        "own_cost_usd": _number(sum((one.cost for one in result.own), Decimal(0))),
        "drawdown_usd": _number(result.drawdown_usd.worst),
        "forced_fills": len(result.forced),
        "margin_low_points": [_low(low) for low in result.lows],
        "naked_max_xbt": _number(delta.most),
        "naked_lasting_xbt": _number(delta.lasting),
        "naked_beyond_band_seconds": delta.beyond.total_seconds(),
        "naked_xbt_hours": _number(delta.hours),
        "ok": result.ok,
    }


def _as_json(result: Replayed) -> dict[str, Any]:
    recording, options, summary = result.recording, result.options, result.summary
    first, last = result.samples[0], result.samples[-1]
    return {
        "note": NOT_EVIDENCE,
        "ok": result.ok,
        "files": [{"name": name, "holds": kind} for name, kind in recording.files],
        "from": _time(recording.starts),
        "to": _time(recording.ends),
        "moments": recording.moments,
        "holes": [[_time(start), _time(end)] for start, end in recording.holes],
        "assumptions": list(result.assumptions),
        "options": {
            field.name: _plain(getattr(options, field.name))
            for field in fields(options)
            if field.name != "spreads"
        },
        "result": {
            "equity_usd_first": _number(first.equity_usd),
            "equity_usd_last": _number(last.equity_usd),
            "gained_usd": _number(last.equity_usd - first.equity_usd),
            "gained_xbt": _number(last.equity_xbt - first.equity_xbt),
            "price_first": _number(first.price),
            "price_last": _number(last.price),
            "lines": [
                {"name": line.name, "xbt": _number(line.amounts.xbt), "usd": _number(line.amounts.usd)}
                for line in summary.earned
            ],
            "xbt": _number(summary.result.xbt),
            "usd": _number(summary.result.usd),
        },
        "drawdown_usd": _drawdown(result.drawdown_usd),
        "drawdown_xbt": _drawdown(result.drawdown_xbt),
        "margin_low_points": [_low(low) for low in result.lows],
        "collateral_needed": [_need(need) for need in result.needs],
        "forced": [_fill(fill) for fill in result.forced],
        "naked": {
            "max_xbt": _number(summary.max_naked_delta_xbt),
            "xbt_seconds": _number(summary.naked_xbt_seconds),
            "longest_seconds": _number(summary.longest_naked_seconds),
        },
        "plans": dict(result.outcomes),
        "plan_list": [_plan(plan) for plan in result.plans],
        "refused": list(result.refused),
        "tickets": dict(result.decisions),
        "ticket_list": [_ticket(asked) for asked in result.tickets],
        "orders": summary.orders,
        "fills": summary.fills,
        "alerts": dict(result.alerts),
        "events": result.verification.events,
        "head": result.head,
        "ledger_verified": result.verification.ok,
        "problems": [*result.differences, *result.verification.problems],
    }


def _series(result: Replayed) -> Mapping[str, Sequence[Any]]:
    """Return the samples column by column."""
    columns: dict[str, list[Any]] = {}
    for one in result.samples:
        for name, value in _row(one).items():
            columns.setdefault(name, []).append(value)
    return columns


def _row(one: Sample) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for field in fields(one):
        value = getattr(one, field.name)
        if isinstance(value, Standing):
            row[f"{field.name}_equity"] = _number(value.equity)
            row[f"{field.name}_excess"] = _number(value.excess)
            row[f"{field.name}_distance"] = _plain(value.distance)
        else:
            row[field.name] = _plain(value)
    return row


def _drawdown(told: Drawdown) -> dict[str, Any]:
    return {"worst": _number(told.worst), "from": _plain(told.since), "to": _plain(told.until)}


def _low(low: Low) -> dict[str, Any]:
    return {field.name: _plain(getattr(low, field.name)) for field in fields(low)}


def _need(need: Need) -> dict[str, Any]:
    return {field.name: _plain(getattr(need, field.name)) for field in fields(need)}


def _fill(fill: Fill) -> dict[str, Any]:
    return {
        "at": _time(fill.at),
        "instrument": str(fill.instrument),
        "side": str(fill.side),
        "quantity": fill.quantity,
        "price": _number(fill.price),
        "cause": str(fill.cause),
    }


def _plan(plan: Played) -> dict[str, Any]:
    return {
        "plan": plan.spec.plan_id,
        "kind": str(plan.spec.kind),
        "linear": str(plan.spec.linear),
        "why": plan.why,
        "proposed_at": _time(plan.proposed_at),
        "ended_at": _plain(plan.ended_at),
        "status": plan.status,
        "reason": plan.reason,
    }


def _ticket(asked: Asked) -> dict[str, Any]:
    material = asked.ticket.material
    return {
        "ticket": asked.ticket.ticket_id,
        "raised_at": _time(asked.ticket.raised_at),
        "side": str(material.side),
        "contracts": asked.ticket.contracts,
        "instrument": str(material.instrument),
        "purpose": asked.ticket.purpose,
        "decision": asked.decision,
        "decided_at": _plain(asked.decided_at),
    }


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | int():
            return value
        case Decimal():
            return _number(value)
        case datetime():
            return _time(value)
        case tuple():
            return ", ".join(map(str, value))
    return str(value)


def _number(value: Decimal) -> str:
    # What was divided has no end: eight places are a satoshi.
    rounded = round(value, 8)
    return format(rounded.normalize() if rounded else Decimal(0), "f")


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
