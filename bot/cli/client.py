"""The command line as a client of the daemon's HTTP API. Standard library only: these commands must start fast."""

import fcntl
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bot.cli.failures import CommandFailed, Exit
from bot.runtime.person import who as who

if TYPE_CHECKING:
    from http.client import HTTPResponse

_TIMEOUT = 15.0
# A comparison asks the venues many questions, and waits its turn for each where their rates are limited.
RECONCILE_TIMEOUT = 120.0
# A bot that starts holds its ledger against the venues before it can be asked.
_STARTS_WITHIN = 30.0
_LOOKS = 0.1

_VERSION = "Basisbot-Version"  # bot.surfaces.headers
_UNTOLD = ""
_heard: ContextVar[str | None] = ContextVar("heard", default=None)
"""The version of the bot that answered last."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running daemon, found through the file it leaves in its data folder."""

    url: str
    token: str

    def get(self, path: str) -> Any:
        return self._ask("GET", path, None)

    def post(self, path: str, body: dict[str, Any], timeout: float = _TIMEOUT) -> Any:
        return self._ask("POST", path, body, timeout)

    def stream(self, path: str) -> Iterator[tuple[str, Any]]:
        """Give what the bot tells, as (kind, content), until it ends: that raises CommandFailed."""
        with self._asked("GET", path, None, _TIMEOUT) as response:
            if response.status >= 400:
                self._content(response)
            kind = ""
            while line := response.readline():
                name, _, text = line.decode().rstrip("\r\n").partition(": ")
                if name == "event":
                    kind = text
                elif name == "data":
                    yield kind, json.loads(text)
        raise CommandFailed(f"the bot at {self.url} has ended", Exit.UNREACHABLE)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None, timeout: float = _TIMEOUT) -> Any:
        with self._asked(method, path, body, timeout) as response:
            return self._content(response)

    def _content(self, response: "HTTPResponse") -> Any:
        _heard.set(response.getheader(_VERSION) or _UNTOLD)
        try:
            answer = json.loads(response.read())
        except ValueError as error:
            raise CommandFailed(
                f"the bot at {self.url} answered {response.status} with something that is not JSON",
                Exit.UNREACHABLE,
            ) from error
        if response.status >= 400:
            text = _reason(response.status, answer)
            # It may not know the command, or what this one says with it.
            older = other_version() if response.status in (404, 405, 422) else None
            raise CommandFailed("\n".join(filter(None, (text, older))), _code(response.status))
        return answer

    @contextmanager
    def _asked(
        self, method: str, path: str, body: dict[str, Any] | None, timeout: float
    ) -> "Iterator[HTTPResponse]":
        """Send a request, and give the answer while it is read. Raises CommandFailed when the link fails."""
        import http.client
        from urllib.parse import urlsplit

        address = urlsplit(self.url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=timeout)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            yield connection.getresponse()
        except TimeoutError as error:
            raise CommandFailed(
                f"the bot at {self.url} has not answered for {timeout:g} s: it is busy, or hangs; "
                "basisbot flatten works all the same",
                Exit.UNREACHABLE,
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise CommandFailed(
                f"the bot at {self.url} does not answer ({_words(error)}); it may have died: start it again with "
                "basisbot run, or get flat with basisbot flatten",
                Exit.UNREACHABLE,
            ) from error
        finally:
            connection.close()


def _words(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there"
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def other_version() -> str | None:
    """Say that the bot which answered last is another version than this command, None if it is not."""
    from bot.runtime.version import version

    theirs = _heard.get()
    if theirs is None or theirs == version():
        return None
    theirs = f"is version {theirs}" if theirs else "says no version (it is older)"
    return (
        f"the bot at work {theirs}, this command is {version()}: restart the bot so that they are the same "
        "(stop basisbot run, start it again; it goes on where it was)"
    )


def name(text: str) -> str:
    """Return what a person typed as one part of a path."""
    return quote(text, safe="")


def _reason(status: int, answer: Any) -> str:
    detail = answer.get("detail") if isinstance(answer, dict) else None
    if isinstance(detail, dict):
        return f"refused: {detail.get('text')}"
    if isinstance(detail, list):
        return "\n".join(_fault(fault) for fault in detail)
    if status == 404 and detail == "Not Found":
        return "refused: there is nothing of that name (see: basisbot tickets, basisbot plan list)"
    return f"refused: {detail}"


def _fault(fault: dict[str, Any]) -> str:
    where = ".".join(str(part) for part in fault["loc"][1:])
    return ": ".join(part for part in ("refused", where, fault["msg"].removeprefix("Value error, ")) if part)


def _code(status: int) -> Exit:
    if status == 422:
        return Exit.USAGE
    return Exit.UNREACHABLE if status in (401, 503) or status >= 500 else Exit.REFUSED


def daemon(data_dir: Path, instance: str) -> Daemon:
    """Find the running daemon of an instance; one that is starting is waited for. Raises CommandFailed."""
    path = data_dir / "daemon.json"
    _await_start(data_dir, path, instance)
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return Daemon(str(told["url"]), str(told["token"]))
    except (FileNotFoundError, NotADirectoryError) as error:
        if (pid := _starting(data_dir)) is not None:
            raise CommandFailed(
                f"the bot of instance {instance!r} is still starting (pid {pid}): it holds its ledger against the "
                "venues first; ask again in a moment",
                Exit.UNREACHABLE,
            ) from error
        others = sorted(found.parent.name for found in data_dir.parent.glob("*/daemon.json"))
        hint = f"; there is one for {', '.join(others)}" if others else ""
        raise CommandFailed(
            f"no bot is running for instance {instance!r} (there is no {path}){hint}; "
            "start one with basisbot run or basisbot demo, or name another --profile",
            Exit.UNREACHABLE,
        ) from error
    except OSError as error:
        raise CommandFailed(f"{path} cannot be read: {error.strerror}", Exit.UNREACHABLE) from error
    except (ValueError, KeyError, TypeError) as error:
        raise CommandFailed(
            f"{path} says nothing that can be used: another program wrote it, or it is damaged; the bot writes it "
            "anew when it starts",
            Exit.UNREACHABLE,
        ) from error


def _await_start(data_dir: Path, published: Path, instance: str) -> None:
    """Wait while a bot starts here, for so long at most."""
    from threading import Event

    said = False
    for _ in range(int(_STARTS_WITHIN / _LOOKS)):
        pid = None if published.exists() else _starting(data_dir)
        if pid is None:
            return
        if not said:
            print(
                f"the bot of instance {instance!r} is starting (pid {pid}): waiting for it", file=sys.stderr
            )
            said = True
        Event().wait(_LOOKS)


def _starting(data_dir: Path) -> int | None:
    """Return the process that starts a bot here, None if there is none (any more)."""
    with suppress(OSError, ValueError, KeyError, TypeError), (data_dir / "starting.json").open() as told:
        try:
            fcntl.flock(told, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(json.load(told)["pid"])
    return None
