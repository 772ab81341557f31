"""Snapshots: state and journal after some event, stored beside the chain, so that a start replays only what came later.

A snapshot is a shortcut and never an authority. It is bound to its event's number and hash, to a checksum, and to the
code that made it; one that does not fit is left aside and the chain is folded from its start. ``ledger verify`` folds
it in any case, and compares.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

import bot.model
import risk
from bot.ledger.database import explained, open_readable
from bot.ledger.errors import LedgerDamaged
from bot.ledger.folded import Folded, put_on
from bot.ledger.journal import Journal
from bot.ledger.tables import EVENT, PLAN, SNAPSHOT, SNAPSHOT_ENTRY, SNAPSHOT_KEYS, SNAPSHOTS
from bot.model.cold import ColdDict, ColdSet, Digests, Shelf, cold_parts, digest_of, rest_old, text_of
from bot.model.plain import plain
from bot.orders import fold, resting
from bot.orders import state as state_of
from bot.orders.resting import KEPT_EXECUTIONS, Rested, rest
from bot.orders.state import BotState, PlanState

_PARTS: dict[str, Any] = {"state": BotState, "journal": Journal}
# Digests are written as one sorted run and later ones; when these come to an eighth of it, all are written anew.
_SMALL_RUN = 65_536
_RATIO = 8


class Unfit(Exception):
    """A stored snapshot cannot be used; ``outdated``: for no other reason than that another version made it."""

    def __init__(self, reason: str, *, outdated: bool = False) -> None:
        super().__init__(reason)
        self.outdated = outdated


class ConnectionShelf:
    """What rests, read over one connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def load(self, name: str, key: str) -> str:
        row = self.connection.execute(
            select(SNAPSHOT_ENTRY.c.value, SNAPSHOT_ENTRY.c.checksum).where(
                SNAPSHOT_ENTRY.c.name == name, SNAPSHOT_ENTRY.c.key == key
            )
        ).one_or_none()
        if row is None or _checksum(name, key, row.value) != row.checksum:
            raise LedgerDamaged(
                f"what the ledger's snapshot keeps of {name} {key} is {'gone' if row is None else 'damaged'}; "
                f"run: basisbot ledger verify"
            )
        return str(row.value)


class FileShelf:
    """What rests, read from the file by whoever holds no connection: rarely, so each time anew."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, name: str, key: str) -> str:
        with explained(self._path), open_readable(self._path).begin() as connection:
            return ConnectionShelf(connection).load(name, key)


@cache
def code_format() -> str:
    """Return a fingerprint of what a snapshot means: the shape of what is stored, and the code that folds it."""
    digest = hashlib.sha256(repr(sys.version_info[:2]).encode())
    for kind in _PARTS.values():
        digest.update(plain(kind).shape.encode())
    folders = [Path(package.__path__[0]) for package in (bot.model, risk)]
    files = [file for folder in folders for file in sorted(folder.glob("*.py"))]
    files += [Path(str(module.__file__)) for module in (fold, state_of, resting)]
    files += sorted(Path(__file__).parent.glob("*.py"))
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def clear(connection: Connection) -> None:
    """Forget every snapshot."""
    for table in SNAPSHOTS:
        connection.execute(delete(table))


def make_room(connection: Connection, folded: Folded) -> None:
    """Send to rest what may, and put it on the shelf."""
    _shelve(connection, rest(folded.state))
    for collection in cold_parts(folded.journal).values():
        _shelve(connection, rest_old(collection, KEPT_EXECUTIONS))


def save(connection: Connection, folded: Folded) -> None:
    """Store where ``folded`` stands, in the place of the snapshot before; the caller commits."""
    make_room(connection, folded)
    keys: dict[str, int] = {}
    for _, part in folded.parts():
        for name, collection in cold_parts(part).items():
            _write_keys(connection, name, collection.resting)
            keys[name] = len(collection.resting)
    content = {name: plain(_PARTS[name]).dump(part) for name, part in folded.parts()}
    payload = json.dumps({"keys": keys, **content}, separators=(",", ":"))
    connection.execute(delete(SNAPSHOT))
    row = {"seq": folded.seq, "hash": folded.hash, "format": code_format(), "payload": payload}
    connection.execute(insert(SNAPSHOT), {"id": 1, **row, "checksum": _checksum(*map(str, row.values()))})


def load(connection: Connection) -> Folded | None:
    """Return the stored snapshot, None where there is none. Raises Unfit."""
    row = connection.execute(select(SNAPSHOT)).one_or_none()
    if row is None:
        return None
    if row.checksum != _checksum(str(row.seq), row.hash, row.format, row.payload):
        raise Unfit("it is damaged")
    if row.format != code_format():
        raise Unfit("another version of the program made it", outdated=True)
    chained = connection.execute(select(EVENT.c.hash).where(EVENT.c.seq == row.seq)).scalar_one_or_none()
    if chained != row.hash:
        raise Unfit(f"event {row.seq} of the chain is not the one it was made after")
    try:
        content = json.loads(row.payload)
        folded = Folded()
        folded.seq, folded.hash = row.seq, row.hash
        folded.state = plain(BotState).load(content["state"])
        folded.journal = plain(Journal).load(content["journal"])
        for _, part in folded.parts():
            for name, collection in cold_parts(part).items():
                _read_keys(connection, name, collection.resting)
                if len(collection.resting) != content["keys"][name]:
                    raise Unfit(f"it lacks some of its {name}")
    except (ValueError, TypeError, LookupError) as error:
        raise Unfit(f"it cannot be read ({type(error).__name__}: {error})") from error
    put_on(ConnectionShelf(connection), folded)
    return folded


def copy(state: BotState, shelf: Shelf) -> BotState:
    """Return a state that shares nothing with ``state`` and fetches what rests from ``shelf``."""
    form = plain(BotState)
    made: BotState = form.load(form.dump(state))
    originals = cold_parts(state)
    for name, collection in cold_parts(made).items():
        collection.resting = originals[name].resting.copy()
        if isinstance(collection, ColdDict):
            collection.shelf = shelf
    return made


def older_plans(path: Path, most: int) -> list[PlanState]:
    """Return the latest plans that rest, the oldest of them first. Raises LedgerError."""
    rows = (
        select(SNAPSHOT_ENTRY.c.value)
        .join(PLAN, PLAN.c.plan_id == SNAPSHOT_ENTRY.c.key)
        .where(SNAPSHOT_ENTRY.c.name == "plans")
        .order_by(PLAN.c.seq.desc())
        .limit(most)
    )
    with explained(path), open_readable(path).begin() as connection:
        found = [plain(PlanState).load(json.loads(value)) for value in connection.execute(rows).scalars()]
    return found[::-1]


# --- keys ----------------------------------------------------------------------------------------------------


def _write_keys(connection: Connection, name: str, digests: Digests) -> None:
    mine = SNAPSHOT_KEYS.c.name == name
    size = func.length(SNAPSHOT_KEYS.c.payload)
    runs = connection.execute(
        select(SNAPSHOT_KEYS.c.run, size).where(mine).order_by(SNAPSHOT_KEYS.c.run)
    ).all()
    later = sum(each for _, each in runs[1:]) + len(digests.fresh)
    if digests.shrunk or not runs or later > max(_SMALL_RUN, runs[0][1] // _RATIO):
        connection.execute(delete(SNAPSHOT_KEYS).where(mine))
        number, payload = 0, digests.sorted()
    else:
        number, payload = runs[-1][0] + 1, bytes(digests.fresh)
    if payload:
        row = {"name": name, "run": number, "payload": payload, "checksum": _checksum(payload)}
        connection.execute(insert(SNAPSHOT_KEYS), row)
    digests.fresh.clear()
    digests.shrunk = False


def _read_keys(connection: Connection, name: str, digests: Digests) -> None:
    runs = connection.execute(
        select(SNAPSHOT_KEYS.c.run, SNAPSHOT_KEYS.c.payload, SNAPSHOT_KEYS.c.checksum)
        .where(SNAPSHOT_KEYS.c.name == name)
        .order_by(SNAPSHOT_KEYS.c.run)
    )
    for number, payload, checksum in runs:
        if _checksum(payload) != checksum:
            raise Unfit(f"its {name} are damaged")
        if number == 0:
            digests.take_sorted(payload)
        else:
            digests.take(payload)


def _shelve(connection: Connection, entries: Iterator[Rested]) -> None:
    rows = [
        {"name": name, "key": key, "value": value, "checksum": _checksum(name, key, value)}
        for name, key, value in entries
    ]
    if rows:
        statement = upsert(SNAPSHOT_ENTRY)
        changed = {name: statement.excluded[name] for name in ("value", "checksum")}
        connection.execute(
            statement.on_conflict_do_update(index_elements=["name", "key"], set_=changed), rows
        )


def _checksum(*parts: str | bytes) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()


# --- proof ---------------------------------------------------------------------------------------------------


def differences(stored: Connection, events: Folded) -> Iterator[str]:
    """Compare the stored snapshot with what the events up to its own come to; give a line for each difference."""
    try:
        snapshot = load(stored)
    except Unfit as error:
        if not error.outdated:
            yield f"the snapshot is not used: {error}"
        return
    if snapshot is None:
        return
    for (name, theirs), (_, ours) in zip(snapshot.parts(), events.parts(), strict=True):
        hints = get_type_hints(_PARTS[name])
        for each in fields(_PARTS[name]):
            found, said = getattr(theirs, each.name), getattr(ours, each.name)
            if isinstance(found, ColdDict | ColdSet):
                yield from _cold_differences(stored, found, said)
                continue
            written = plain(hints[each.name]).dump
            if written(found) != written(said):
                yield f"snapshot, {name}: {each.name.lstrip('_')} is {_short(found)}, the events say {_short(said)}"


def _cold_differences(
    stored: Connection, found: ColdDict[Any, Any] | ColdSet[Any], said: ColdDict[Any, Any] | ColdSet[Any]
) -> Iterator[str]:
    if found.every_key() != said.every_key():
        yield f"snapshot: its {found.name} are not those of the events"
    if not isinstance(found, ColdDict) or not isinstance(said, ColdDict):
        return
    for key in found:
        if said.peek(key) is None or found.form.dump(found.peek(key)) != said.form.dump(said.peek(key)):
            yield f"snapshot, {found.name} {key}: {_short(found[key])}, the events say {_short(said.peek(key))}"
    rows = stored.execution_options(yield_per=1_000).execute(
        select(SNAPSHOT_ENTRY.c.key, SNAPSHOT_ENTRY.c.value).where(SNAPSHOT_ENTRY.c.name == found.name)
    )
    awake = {text_of(key): key for key in said}
    lacking = len(found.resting) - sum(digest_of(key) in found.resting for key in found)
    for key, value in rows:
        if not found.rests(key):
            continue  # it was awake again when the snapshot was made
        lacking -= 1
        right = said.peek(awake[key]) if key in awake else said.fetch(key)
        if right is None or found.form.dump(found.fetch(key)) != said.form.dump(right):
            yield f"snapshot, {found.name} {key}: {_short(value)}, the events say {_short(right)}"
    if lacking:
        yield f"snapshot: {lacking} of its {found.name} were put aside and are not found again"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:300]}…"
