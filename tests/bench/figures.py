"""Figures as people and as programs read them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def table(title: str, rows: Sequence[Mapping[str, object]]) -> str:
    """Return rows under their names, right-aligned but for texts; a figure that a row has not stands empty."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [names, *([_shown(row.get(name)) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    texts = {name for name in names if any(isinstance(row.get(name), str) for row in rows)}
    lines = [title]
    for line in cells:
        aligned = (
            cell.ljust(width) if name in texts else cell.rjust(width)
            for name, cell, width in zip(names, line, widths, strict=True)
        )
        lines.append("  " + "  ".join(aligned).rstrip())
    return "\n".join(lines) + "\n"


def write(path: Path | None, figures: Mapping[str, object]) -> None:
    if path is not None:
        path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def _shown(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int | float) else str(value)
