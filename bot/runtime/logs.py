"""The log: JSON lines in the instance's folder, and, where wanted, the same for people on standard error."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger


@contextmanager
def logging_to(path: Path, *, console: bool) -> Iterator[None]:
    """Send structlog and the standard library's logging to ``path`` while the block runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", buffering=1) as file:
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
            logger_factory=structlog.WriteLoggerFactory(file=file),
            wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
            cache_logger_on_first_use=False,
        )
        # The client libraries use the standard library; their errors matter, their chatter does not.
        handler = logging.StreamHandler(file)
        handler.setFormatter(
            logging.Formatter('{"library": "%(name)s", "level": "%(levelname)s", "event": "%(message)s"}')
        )
        root = logging.getLogger()
        root.addHandler(handler)
        root.setLevel(logging.WARNING)
        try:
            yield
        finally:
            root.removeHandler(handler)
            structlog.reset_defaults()


class _Console:
    """Writes time and message for a person, and hands the entry on unchanged."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, _logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
        moment = str(entry.get("timestamp", ""))[11:23]
        level = "" if entry.get("level") == "info" else f"{str(entry.get('level')).upper()} "
        self._stream.write(f"{moment} {level}{entry.get('event')}\n")
        return entry
