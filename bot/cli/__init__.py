"""The command line. Exit codes: 0 done, 1 refused or not achieved, 2 usage or configuration, 3 venue (or bot)
unreachable, 4 ledger or reconciliation mismatch."""

import io
import os
import sys

_INTERRUPTED = 130


def options_last(arguments: list[str]) -> list[str]:
    """Move ``--profile`` and ``--json`` behind the command they precede: both places are right.

    >>> options_last(["--profile", "sim", "plan", "open"])
    ['plan', 'open', '--profile', 'sim']
    """
    front, rest = [], list(arguments)
    while rest:
        if rest[0] in ("--profile", "-p") and len(rest) > 2:
            front += [rest.pop(0), rest.pop(0)]
        elif len(rest) > 1 and (rest[0] == "--json" or rest[0].startswith("--profile=")):
            front.append(rest.pop(0))
        else:
            break
    return rest + front


def main() -> None:
    """Run ``basisbot``; every foreseen failure is a line on standard error and an exit code, never a traceback."""
    from typer.exceptions import TyperException

    from bot.cli.app import app
    from bot.cli.failures import explain, explain_usage, misread
    from bot.cli.hints import told

    # Books and logs are for their owner; and a terminal that lacks a character gets a substitute.
    os.umask(0o077)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        code = app(args=options_last(sys.argv[1:]), prog_name="basisbot", standalone_mode=False) or 0
        if code == _INTERRUPTED:
            print("interrupted", file=sys.stderr)
        sys.exit(code)
    except TyperException as error:
        print(explain_usage(error), file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except Exception as error:
        found = explain(error) or misread(error)
        if found is None:
            raise
        text, code = found
        print(told(text), file=sys.stderr)
        sys.exit(code)
