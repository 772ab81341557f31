"""The log: JSON lines in the instance's folder, and, where wanted, the same for people on standard error."""

import io
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

MOST = 20 * 2**20
"""Bytes of one file, some 100,000 lines; then it becomes ``.1``, what was that ``.2``, and so on."""
OLDER = 4


@contextmanager
def silent() -> Iterator[None]:
    """Log nothing below a disaster: who runs the bot in virtual time reads its events."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


@contextmanager
def logging_to(path: Path, *, console: bool, most: int = MOST) -> Iterator[None]:
    """Send structlog and the standard library's logging to ``path`` while the block runs.

    ``most``: bytes after which a new file is begun; ``OLDER`` full ones are kept beside it. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = _Lines(path, most)
    processors: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    if console:
        processors.append(_Console(sys.stderr))
    processors.append(structlog.processors.JSONRenderer())
    structlog.configure(
        processors=processors,
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, file)),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,
    )
    # The client libraries use the standard library; their errors matter, their chatter does not.
    handler = logging.StreamHandler(file)
    handler.setFormatter(_Json())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    try:
        yield
    finally:
        root.removeHandler(handler)
        structlog.reset_defaults()
        file.close()


class _Lines(io.TextIOBase):
    """Appends lines to a file. The bot logs while it trades: a disk that takes no more must not end that."""

    def __init__(self, path: Path, most: int) -> None:
        self._files = _OwnFiles(path, maxBytes=most, backupCount=OLDER, encoding="utf-8", errors="replace")

    def write(self, text: str) -> int:
        # Writers end a line with a write of its own at times; the handler ends every line by itself.
        if line := text.rstrip("\n"):
            self._files.handle(logging.makeLogRecord({"msg": line}))
        return len(text)

    def close(self) -> None:
        if not self.closed:
            self._files.close()
        super().close()


class _OwnFiles(RotatingFileHandler):
    """Files that only their owner can read. A line the disk does not take is lost, and nothing else."""

    def _open(self) -> io.TextIOWrapper:
        def private(name: str, flags: int) -> int:
            return os.open(name, flags | os.O_CLOEXEC, 0o600)

        # Without a buffer: what did not go through must not come up again when the file is closed.
        raw = io.FileIO(self.baseFilename, "a", opener=private)
        return io.TextIOWrapper(raw, encoding=self.encoding, errors=self.errors, write_through=True)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        pass


class _Json(logging.Formatter):
    """One line of JSON, whatever the message holds."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "library": record.name,
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry)


class _Console:
    """Writes time and message for a person, and hands the entry on unchanged."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, _logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
        moment = str(entry.get("timestamp", ""))[11:23]
        level = "" if entry.get("level") == "info" else f"{str(entry.get('level')).upper()} "
        with suppress(OSError, ValueError):  # it may have been closed, or its reader have gone
            self._stream.write(f"{moment} {level}{entry.get('event')}\n")
        return entry
