"""This machine: Python and packages, the data folder, its disk, the ledger, whatever else runs on it."""

import os
import platform
import shutil
import stat
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from adapters.clock import Clock
from bot.ledger.errors import LedgerError, LedgerLocked
from bot.ledger.lock import LockFile
from bot.ledger.verify import verify
from bot.runtime.doctor.finding import About, Finding, Trouble
from bot.runtime.files import Files
from config.settings import Settings

PACKAGES = ("ccxt", "ib_async", "aiohttp", "sqlmodel", "sqlalchemy", "fastapi", "pydantic", "aiomqtt")
MEGABYTE = 1_000_000
_WRITES = 20
_SLOW = 0.050
"""Seconds: a working order waits for one such write before it goes."""
_PRIVATE = stat.S_IRWXG | stat.S_IRWXO


def python() -> Iterator[Finding]:
    about = About("machine")
    yield about.ok("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    missing, found = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        yield about.fail("packages", f"missing: {', '.join(missing)}", "install the project again: make")
    else:
        yield about.ok("packages", ", ".join(found))


def disk(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Look at the room, the speed and the privacy of the data folder. It is not made if it is not there."""
    about, folder = About("disk"), settings.data_dir
    where = next(path for path in (folder, *folder.parents) if path.exists())
    least = settings.ledger.min_free_megabytes
    try:
        free = shutil.disk_usage(where).free // MEGABYTE
        if free < least:
            todo = "make room, or choose another data_dir: a full disk ends the bot"
            yield about.fail("room", f"{free:,} MB free at {where}, the profile asks for {least:,}", todo)
        else:
            yield about.ok("room", f"{free:,} MB free at {where}")
        slowest, usual = _writing(where, clock)
    except OSError as error:
        todo = f"make it writable by this user, or choose another data_dir ({folder})"
        yield about.fail("writing", f"cannot write at {where}: {error.strerror}", todo, Trouble.SETTINGS)
        return
    text = f"a durable write takes {usual * 1000:.1f} ms, at most {slowest * 1000:.1f} ms of {_WRITES}"
    if usual > _SLOW:
        yield about.warn("writing", text, "every working order waits for one: use a faster, local disk")
    else:
        yield about.ok("writing", text)
    yield from _privacy(about, Files(folder), settings)


def _writing(folder: Path, clock: Clock) -> tuple[float, float]:
    """Write durably a few times; return the slowest and the middle one, in seconds. Raises OSError."""
    took = []
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
        for _ in range(_WRITES):
            began = clock.monotonic()
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
            took.append(clock.monotonic() - began)
    return max(took), sorted(took)[_WRITES // 2]


def _privacy(about: About, files: Files, settings: Settings) -> Iterator[Finding]:
    kept = (settings.ledger_path, files.endpoint, files.log, *files.flatten_journals)
    there = [path for path in kept if path.exists()]
    if not there:
        yield about.ok("files", f"none yet in {files.data_dir}")
        return
    shared = [path for path in there if path.stat().st_mode & _PRIVATE]
    secret = [path for path in shared if path == files.endpoint]
    if secret:
        todo = f"chmod 600 {secret[0]}, and start the bot anew"
        yield about.fail("files", f"{secret[0]} holds the bot's token and is open to other users", todo)
    elif shared:
        names = ", ".join(path.name for path in shared)
        yield about.warn("files", f"other users can read {names}", f"chmod 600 in {files.data_dir}")
    else:
        yield about.ok("files", "the ledger and its companions are readable by this user only")


def ledger(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Verify the ledger, and see whether it can be locked. One that is not there is not made."""
    about, path = About("ledger"), settings.ledger_path
    if not path.exists():
        yield about.ok("books", f"none yet: {path} is made at the first start")
        return
    try:
        found = verify(path)
    except LedgerError as error:
        yield about.fail("books", str(error), "see: basisbot ledger verify", Trouble.LEDGER)
        return
    if found.ok:
        yield about.ok("books", f"{found.events:,} events verified")
    else:
        text = f"{len(found.problems)} problems; the first: {found.problems[0]}"
        yield about.fail("books", text, "see: basisbot ledger verify", Trouble.LEDGER)
    try:
        LockFile.acquire(path, clock.now()).release()
    except LedgerLocked as error:
        yield about.ok("lock", str(error).split("; ")[0])
    except LedgerError as error:
        yield about.fail("lock", str(error), "put the ledger on a local disk", Trouble.LEDGER)
    else:
        yield about.ok("lock", "free: no bot runs on it")


def latch(settings: Settings) -> Iterator[Finding]:
    about = About("flatten")
    latched = Files(settings.data_dir).latched()
    if latched is None:
        yield about.ok("latch", "off")
    else:
        yield about.warn("latch", latched, "basisbot enable takes it off, once a person has looked")
