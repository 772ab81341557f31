"""The files of one instance, all in its data folder."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a running daemon listens, and the token that proves a client may read this folder.

    ``overrides``: by dotted key, what it was told beside its profile (a demonstration's ports): the emergency
    command needs to know.
    """

    url: str
    token: str
    pid: int
    overrides: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Files:
    data_dir: Path

    @property
    def endpoint(self) -> Path:
        return self.data_dir / "daemon.json"

    @property
    def token(self) -> Path:
        """The token alone, for programs that read it from a file (Prometheus: ``credentials_file``)."""
        return self.data_dir / "token"

    @property
    def starting(self) -> Path:
        return self.data_dir / "starting.json"

    @property
    def log(self) -> Path:
        return self.data_dir / "basisbot.log"

    @property
    def latch(self) -> Path:
        """While it exists, nothing is sent but by the emergency command that made it."""
        return self.data_dir / "flatten.latch"

    @property
    def pending(self) -> Path:
        """A flatten that waits for a market to open."""
        return self.data_dir / "flatten.pending"

    @property
    def waiting(self) -> Path:
        """Locked by the process that waits for it."""
        return self.data_dir / "flatten.waiting"

    @property
    def flatten_output(self) -> Path:
        """What a flatten says that the bot has started."""
        return self.data_dir / "flatten.log"

    @property
    def watchdog(self) -> Path:
        """What the watchdog leaves for the bot to tell."""
        return self.data_dir / "watchdog.jsonl"

    @property
    def watchdog_log(self) -> Path:
        return self.data_dir / "watchdog.log"

    @property
    def flatten_journals(self) -> list[Path]:
        return sorted(self.data_dir.glob("flatten-*.jsonl"))

    def latched(self) -> str | None:
        """Return why nothing may be sent, None if everything may."""
        if self.pending.exists():
            return (
                "flatten is pending: it goes on when the market opens. To trade instead, first call it off: "
                "basisbot flatten --call-off"
            )
        if not self.latch.exists():
            return None
        return (
            f"flatten is in charge: remove {self.latch} when you want to trade again (basisbot enable does)"
        )

    def unlatch(self) -> str | None:
        """Remove the latch; return why not, None if it is gone. A flatten at work holds a lock on it."""
        if self.pending.exists():
            return "a flatten is pending, for when the market opens: call it off first (basisbot flatten --call-off)"
        try:
            descriptor = os.open(self.latch, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return "a flatten is at work on this instance: wait for its report, or stop it first"
        else:
            self.latch.unlink(missing_ok=True)
            return None
        finally:
            os.close(descriptor)


def sync_folder(files: Files) -> None:
    """Have the names in the data folder on the disk. Raises OSError."""
    folder = os.open(files.data_dir, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def announced(files: Files) -> Iterator[None]:
    """Tell other processes that a daemon starts here, while it does. A courtesy: where it cannot be written, what
    really needs the disk says so. The file is locked for so long: one that a crash has left names a process that is
    another one by now."""
    with ExitStack() as stack:
        with suppress(OSError):
            # Unbuffered: what could not be written is not tried again as the file is closed.
            told = stack.enter_context(files.starting.open("wb", buffering=0))
            fcntl.flock(told, fcntl.LOCK_SH)
            told.write(json.dumps({"pid": os.getpid()}).encode())
        try:
            yield
        finally:
            with suppress(OSError):
                files.starting.unlink(missing_ok=True)


@contextmanager
def published(files: Files, endpoint: Endpoint) -> Iterator[None]:
    """Tell other processes of this user where the daemon is, for as long as it runs."""
    told = {files.token: endpoint.token, files.endpoint: json.dumps(asdict(endpoint))}
    try:
        for path, text in told.items():
            _write_private(path, text)
        yield
    finally:
        for path in told:
            path.unlink(missing_ok=True)


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read; it appears whole."""
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)
