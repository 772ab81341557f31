"""How transfers look on a terminal of 80 columns."""

from collections.abc import Iterator
from typing import Any

from rich.markup import escape

View = dict[str, Any]
_OLD = 86_400
_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60


def rows(view: View, label: str = "") -> Iterator[tuple[str, str]]:
    """Give what is on its way, and what lies beside the venues: two columns, the first ``label`` or the id."""
    for one in view["transfers"]:
        yield (label, f"{one['id']}  {line(one)}") if label else (one["id"], line(one))
    for currency, amount in view["spot"].items():
        yield "spot", f"{amount} {currency}"


def unexplained(view: View) -> Iterator[tuple[str, str]]:
    """Give the flows that are no transfer's."""
    for flow in view["unexplained"]:
        moment = f"{flow['at'][:10]} {flow['at'][11:16]}Z"
        told = f"{flow['kind']} of {flow['amount']} {flow['currency']} at {flow['venue']}, {moment}"
        yield "no transfer", f"{told}, flow {escape(flow['flow'])}"


def line(one: View) -> str:
    """Say how a transfer stands, and for how long."""
    way = f"{one['source']} → {one['target']}"
    text = f"{one['amount']} {one['currency']} {way}"
    if one["status"] != "open":
        return f"{text}, {one['status']}"
    if not one["has_left"]:
        text += f", not told yet to have left {one['source']}"
    elif one["on_its_way"] != one["amount"]:
        text += f", {one['on_its_way']} still missing"
    text += f", {_age(one['age_seconds'])}"
    return f"[yellow]{text}[/]" if one["age_seconds"] >= _OLD else text


def _age(seconds: float) -> str:
    for unit, word in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        count = int(seconds // unit)
        if count:
            return f"{count} {word}{'' if count == 1 else 's'} ago"
    return "just now"
