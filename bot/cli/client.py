"""The command line as a client of the daemon's HTTP API. Standard library only: these commands must start fast."""

import json
import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bot.cli.failures import CommandFailed, Exit

_TIMEOUT = 15.0
# A comparison asks the venues many questions, and waits its turn for each where their rates are limited.
RECONCILE_TIMEOUT = 120.0


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running daemon, found through the file it leaves in its data folder."""

    url: str
    token: str

    def get(self, path: str) -> Any:
        return self._ask("GET", path, None)

    def post(self, path: str, body: dict[str, Any], timeout: float = _TIMEOUT) -> Any:
        return self._ask("POST", path, body, timeout)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None, timeout: float = _TIMEOUT) -> Any:
        import http.client
        from urllib.parse import urlsplit

        address = urlsplit(self.url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=timeout)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            content = response.read()
        except TimeoutError as error:
            raise CommandFailed(
                f"the bot at {self.url} has not answered for {timeout:g} s: it is busy, or hangs; "
                "basisbot flatten works all the same",
                Exit.UNREACHABLE,
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise CommandFailed(
                f"the bot at {self.url} does not answer ({error}); it may have died: start it again with "
                "basisbot run, or get flat with basisbot flatten",
                Exit.UNREACHABLE,
            ) from error
        finally:
            connection.close()
        try:
            answer = json.loads(content)
        except ValueError as error:
            raise CommandFailed(
                f"the bot at {self.url} answered {response.status} with something that is not JSON",
                Exit.UNREACHABLE,
            ) from error
        if response.status >= 400:
            raise CommandFailed(_reason(response.status, answer), _code(response.status))
        return answer


def name(text: str) -> str:
    """Return what a person typed as one part of a path."""
    return quote(text, safe="")


def _reason(status: int, answer: Any) -> str:
    detail = answer.get("detail") if isinstance(answer, dict) else None
    if isinstance(detail, dict):
        return f"refused: {detail.get('text')}"
    if isinstance(detail, list):
        return "\n".join(_fault(fault) for fault in detail)
    if status == 404:
        return "refused: there is nothing of that name (see: basisbot tickets, basisbot plan list)"
    return f"refused ({status}): {detail}"


def _fault(fault: dict[str, Any]) -> str:
    where = ".".join(str(part) for part in fault["loc"][1:])
    return ": ".join(part for part in ("refused", where, fault["msg"].removeprefix("Value error, ")) if part)


def _code(status: int) -> Exit:
    if status == 422:
        return Exit.USAGE
    return Exit.UNREACHABLE if status in (401, 503) or status >= 500 else Exit.REFUSED


def daemon(data_dir: Path, instance: str) -> Daemon:
    """Find the running daemon of an instance. Raises CommandFailed."""
    path = data_dir / "daemon.json"
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return Daemon(str(told["url"]), str(told["token"]))
    except FileNotFoundError as error:
        others = sorted(found.parent.name for found in data_dir.parent.glob("*/daemon.json"))
        hint = f"; there is one for {', '.join(others)}" if others else ""
        raise CommandFailed(
            f"no bot is running for instance {instance!r} (there is no {path}){hint}; "
            "start one with basisbot run or basisbot demo, or name another --profile",
            Exit.UNREACHABLE,
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommandFailed(f"{path} cannot be read: {error}", Exit.UNREACHABLE) from error


def who() -> str:
    """Return who types: the login name on this machine."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
