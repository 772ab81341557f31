"""A ledger file read with nothing but sqlite3 and json, and added up by the test's own arithmetic."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.bench import Bot, until


@dataclass(frozen=True)
class Event:
    seq: int
    at: str
    kind: str
    payload: Any


def events(ledger: Path) -> list[Event]:
    """Return the chain as it lies in the file."""
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as connection:
        rows = connection.execute("SELECT seq, at, kind, payload FROM event ORDER BY seq").fetchall()
    return [Event(seq, at, kind, json.loads(payload)) for seq, at, kind, payload in rows]


def caught_up(ledger: Path, bot: Bot) -> Path:
    """Wait until all the bot has decided lies in the file: it is written in groups, a moment later."""
    told = bot.get("/events")  # of this run
    if told:
        seq = told[-1]["seq"]
        until(f"event {seq} written", lambda: events(ledger)[-1].seq >= seq)
    return ledger


def rows(ledger: Path, table: str) -> Iterator[dict[str, Any]]:
    """Return a table's rows."""
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        yield from (dict(row) for row in connection.execute(f'SELECT * FROM "{table}" ORDER BY seq'))


def positions(ledger: Path) -> dict[str, int]:
    """Return signed contracts by venue, from the fills alone."""
    held: Counter[str] = Counter()
    for fill in rows(ledger, "fill"):
        held[fill["venue"]] += fill["quantity"] * (1 if fill["side"] == "buy" else -1)
    return dict(held)
