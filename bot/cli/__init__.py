"""The command line. Exit codes: 0 done, 1 refused or not achieved, 2 usage or configuration, 3 venue (or bot)
unreachable, 4 ledger or reconciliation mismatch."""

import sys


def main() -> None:
    """Run ``basisbot``; every foreseen failure is a line on standard error and an exit code, never a traceback."""
    from bot.cli.app import app
    from bot.cli.failures import explain

    try:
        app()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except Exception as error:
        told = explain(error)
        if told is None:
            raise
        text, code = told
        print(text, file=sys.stderr)
        sys.exit(code)
