"""Percentages of a profile given as a quantile of recorded closures: ``{quantile = 0.99, of = "closures.csv"}``.

The file is CSV with a header, a row for each closure, moves in per cent: ``gap_pct`` from the linear market's close to
its open, signed; ``low_pct`` and ``high_pct``, of the inverse market's lowest and highest price meanwhile against its
price at the close, signed likewise (a fall is negative); ``margin_pct``, what the broker asked for, of the position's
value. Other columns are passed over.

The quantile is the smallest recorded move that was not exceeded in at least that part of all closures; one the other
way counts as none. No curve is laid through it: a sample tells nothing beyond its size.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from pathlib import Path
from typing import Any

_TABLE = ("automation", "closure")
# By key: the column, and the sign that makes a loss of a move.
_COLUMNS = {
    "linear_fall_percent": ("gap_pct", -1),
    "linear_rise_percent": ("gap_pct", 1),
    "inverse_fall_percent": ("low_pct", -1),
    "inverse_rise_percent": ("high_pct", 1),
    "broker_margin_percent": ("margin_pct", 1),
}
_HALF = Decimal("0.5")
_HUNDREDTH = Decimal("0.01")
_ABSURD = Decimal(1000)  # per cent


class Unusable(ValueError):
    """What a quantile is to be taken from, or how, is no use; the message says why."""


@dataclass(frozen=True, slots=True)
class Quantile:
    """``percent``: the move, in per cent; ``closures``: how many it was taken from; ``exceeded``: by how many."""

    percent: Decimal
    closures: int
    exceeded: int


def quantiles(raw: Mapping[str, Any], folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Put a number in the place of each quantile in ``raw``; files are looked for from ``folder`` on.

    Returns, by dotted key, what each rests on, in words, and what is wrong with those that cannot be taken.
    """
    words: dict[str, str] = {}
    wrong: dict[str, str] = {}
    table: Any = raw
    for name in _TABLE:
        table = table.get(name) if isinstance(table, dict) else None
    for key, (column, sign) in _COLUMNS.items():
        given = table.get(key) if isinstance(table, dict) else None
        if not isinstance(given, dict):
            continue
        name = ".".join((*_TABLE, key))
        try:
            part, path = _read_table(given, folder)
            found = quantile(losses(path, column, sign), part)
        except Unusable as error:
            wrong[name] = str(error)
            continue
        table[key] = found.percent
        words[name] = (
            f"{found.percent} %: of {found.closures} closures in {path.name}, {found.exceeded} moved further "
            f"(quantile {part})"
        )
    return words, wrong


def quantile(moves: list[Decimal], part: Decimal) -> Quantile:
    """Return the smallest of ``moves`` that at least ``part`` of them do not exceed. Raises Unusable."""
    count = len(moves)
    if part < 1 and count * (1 - part) < 1:
        needed = (1 / (1 - part)).to_integral_value(ROUND_CEILING)
        raise Unusable(
            f"{count} closures say nothing of a quantile of {part}: it takes {needed}, "
            "or quantile = 1, the worst of them"
        )
    ordered = sorted(moves)
    found = ordered[int((part * count).to_integral_value(ROUND_CEILING)) - 1]
    percent = found.quantize(_HUNDREDTH, ROUND_CEILING)
    if percent <= 0:
        raise Unusable(f"comes to nothing: of {count} closures so many went the other way")
    return Quantile(percent, count, sum(move > found for move in moves))


def losses(path: Path, column: str, sign: int) -> list[Decimal]:
    """Return a column's moves times ``sign``, at least 0, in per cent. Raises Unusable."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if column not in (rows.fieldnames or ()):
                held = ", ".join(rows.fieldnames or ()) or "nothing"
                raise Unusable(f"{path} has no column {column}; it holds {held}")
            found = [max(_move(path, rows.line_num, row[column]) * sign, Decimal(0)) for row in rows]
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error):
        raise Unusable(f"{path} is no CSV text") from None
    if not found:
        raise Unusable(f"{path} holds no closure")
    return found


def _move(path: Path, line: int, text: str | None) -> Decimal:
    try:
        value = Decimal(text or "")
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or abs(value) >= _ABSURD:
        raise Unusable(f"{path}, line {line}: {text!r} is no move in per cent")
    return value


def _read_table(given: Mapping[str, Any], folder: Path) -> tuple[Decimal, Path]:
    part, of = given.get("quantile"), given.get("of")
    is_number = isinstance(part, int | Decimal) and not isinstance(part, bool)
    if given.keys() != {"quantile", "of"} or not is_number or not isinstance(of, str) or not of:
        raise Unusable('must be a number, or {quantile = 0.99, of = "closures.csv"}')
    exact = Decimal(part or 0)
    if not _HALF <= exact <= 1:
        raise Unusable(f"a quantile runs from 0.5 to 1, not {exact}")
    return exact, folder / Path(of).expanduser()
