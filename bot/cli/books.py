"""``ledger verify``."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.failures import Exit
from bot.cli.options import DEFAULT_PROFILE, Json, Profile, settings

ledger = typer.Typer(help="The books: everything that happened, and its proof.", no_args_is_help=True)


@ledger.callback()
def _group() -> None:
    """The books."""


@ledger.command("verify")
def verify_ledger(
    file: Annotated[
        Path | None, typer.Option("--file", help="A ledger file; left out: the profile's.", metavar="FILE")
    ] = None,
    profile: Profile = DEFAULT_PROFILE,
    json: Json = False,
) -> None:
    """Prove the books: chain, sums, an approval for every order.

    Reads one snapshot and disturbs no bot. Exit code 4 if anything is wrong.
    """
    from bot.cli import output
    from bot.ledger.verify import verify

    path = file or settings(profile).ledger_path
    result = verify(path)
    cash = {f"{venue} {currency}": str(money) for (venue, currency), money in result.balances.cash.items()}
    positions = {str(key): contracts for key, contracts in result.balances.positions.items()}
    if json:
        output.print_json(
            {
                "ok": result.ok,
                "file": str(path),
                "events": result.events,
                "head": result.head,
                "problems": list(result.problems),
                "cash": cash,
                "positions": positions,
                "delta_xbt": f"{result.balances.delta_xbt:.8f}",
            }
        )
    else:
        print(f"{'verified' if result.ok else 'DAMAGED'}: {path}")
        print(f"  {result.events} events, head {result.head[:16]}…")
        for problem in result.problems:
            print(f"  ! {problem}")
        for name, amount in cash.items():
            print(f"  cash      {name.split()[0]}: {amount}")
        for name, contracts in positions.items():
            print(f"  position  {name}: {contracts:+,} contracts")
        print(f"  Δ         {result.balances.delta_xbt:.8f} XBT")
    if not result.ok:
        raise SystemExit(Exit.MISMATCH)


def register(app: typer.Typer) -> None:
    app.add_typer(ledger, name="ledger")
