"""``demo``, ``sim`` and ``run``: what keeps running."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli import legging, numbers, planning
from bot.cli.failures import CommandFailed, Exit
from bot.cli.hints import say
from bot.cli.options import DEFAULT_PROFILE, SHADOW, Json, Profile, settings
from bot.runtime.scenes import NIGHT, SCENES

if TYPE_CHECKING:
    from bot.runtime.demo import Report

Scenario = Annotated[
    Path | None,
    typer.Option(help="What the simulators start from (TOML).", metavar="FILE", show_default=False),
]
Data = Annotated[
    Path | None,
    typer.Option(
        help="Play recorded prices instead of made-up ones (CSV, also gzip).",
        metavar="FILE",
        show_default=False,
    ),
]
Record = Annotated[
    Path | None,
    typer.Option(
        help="Write down every word the simulated BitMEX says (JSON lines).",
        metavar="FILE",
        show_default=False,
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        help="Seed of the simulated market: the same one, the same prices.",
        metavar="N",
        parser=numbers.whole(0),
        show_default=False,
    ),
]

_SCENARIOS = (
    "What happens: "
    + "; ".join(f"{name} ({scene.what})" for name, scene in SCENES.items())
    + "; or what the simulators start from (TOML)."
)


def demo(
    auto_approve: Annotated[
        bool, typer.Option("--auto-approve", help="Approve every ticket at once, in your place.")
    ] = False,
    unattended: Annotated[
        bool,
        typer.Option(
            "--unattended",
            help=f"Nobody approves: a standing approval does, whatever happens; without --scenario: {NIGHT}.",
        ),
    ] = False,
    seconds: Annotated[
        float | None,
        typer.Option(
            help="Hold the spread this long at most.",
            metavar="N",
            parser=numbers.seconds(0.1, 86_400),
            show_default=False,
        ),
    ] = None,
    seed: Seed = None,
    scenario: Annotated[
        str | None,
        typer.Option(help=_SCENARIOS, metavar="NAME|FILE", show_default=False),
    ] = None,
    data: Data = None,
    record: Record = None,
    size: planning.Size = None,
    tranches: planning.Tranches = None,
    direction: planning.Direction = None,
    working: legging.Working = None,
    style: legging.Style = None,
    profile: Profile = DEFAULT_PROFILE,
    json: Json = False,
) -> None:
    """Run the whole job on simulated venues, and report.

    Both venues and the bot are started on this machine; a spread is opened in tranches, held while funding is
    paid, and taken down; then the books are held against the venues. Nothing to set up, nothing that can cost
    money. Without --auto-approve every leg waits for your basisbot approve.

    A scenario with a name is played unattended: watches propose, a standing approval answers. It ends with exit code 0
    only if what happened was answered, both venues are flat, and the ledger is verified and agrees with them.
    """
    import asyncio

    if auto_approve and (unattended or scenario in SCENES):
        raise CommandFailed(
            "--auto-approve approves, unattended nobody does: choose one of the two", Exit.USAGE
        )

    from bot.runtime.demo_process import run_demo
    from bot.runtime.signals import stoppable

    job = run_demo(
        profile,
        auto_approve=auto_approve,
        seconds=seconds,
        seed=seed,
        scenario=scenario,
        data=data,
        record=record,
        json=json,
        plan={
            "size_xbt": None if size is None else str(size),
            "tranches": tranches,
            "direction": direction,
            "working": working,
            "style": style,
        },
        asleep=unattended,
    )
    report = asyncio.run(stoppable(job))
    _print_report(report, json)
    if not report.ok:
        raise SystemExit(Exit.REFUSED if report.balances_match and report.verification.ok else Exit.MISMATCH)


def sim(
    bitmex_port: Annotated[
        int, typer.Option(help="0: any free one.", metavar="PORT", parser=numbers.whole(0, 65535))
    ] = 8461,
    tws_port: Annotated[
        int, typer.Option(help="0: any free one.", metavar="PORT", parser=numbers.whole(0, 65535))
    ] = 8462,
    scenario: Scenario = None,
    data: Data = None,
    record: Record = None,
    seed: Seed = None,
) -> None:
    """Run the simulated BitMEX and TWS alone, until interrupted.

    Any client of theirs can connect, on this machine only. When both listen, one line of JSON names the ports.
    """
    from adapters.simulator.launch import main

    arguments = [f"--bitmex-port={bitmex_port}", f"--tws-port={tws_port}"]
    options = {"scenario": scenario, "data": data, "record": record, "seed": seed}
    arguments += [f"--{name}={value}" for name, value in options.items() if value is not None]
    raise SystemExit(main(arguments))


def run(
    profile: Profile = "sim",
    live: Annotated[
        bool, typer.Option("--live", help="Yes, trade real money. Needs a live profile too.")
    ] = False,
    shadow: Annotated[
        bool,
        typer.Option(
            "--shadow", help="Do everything but send: orders are logged and recorded, and nothing fills."
        ),
    ] = False,
) -> None:
    """Run the bot until interrupted.

    With a new ledger it starts disabled: nothing is sent before basisbot enable. After a restart it goes on in the
    trading state it had. Simulated profiles need basisbot sim beside it.

    A shadow has a data folder and a ledger of its own, named NAME-shadow; the other commands find it by the same
    profile while the bot itself does not run. Each order is refused as not sent, with what it would have been, and
    tried anew until the approval's order ids are spent: it shows what would be done, not what would come of it.
    """
    import asyncio

    from bot.runtime.files import Files, announced
    from config.load import require_consent

    chosen = settings(profile)
    require_consent(chosen, live=live or shadow)
    folder = chosen.data_dir.with_name(chosen.data_dir.name + SHADOW) if shadow else chosen.data_dir
    folder.mkdir(parents=True, exist_ok=True)
    # Before what takes seconds to load: other commands wait for a bot that starts.
    with announced(Files(folder)):
        asyncio.run(_run(chosen, shadow))


async def _run(chosen: Any, shadow: bool) -> None:
    from adapters.clock import RandomIds, SystemClock
    from adapters.errors import Unreachable
    from bot.runtime.daemon import running
    from bot.runtime.files import Files
    from bot.runtime.logs import logging_to
    from bot.runtime.shadow import settings_of
    from bot.runtime.signals import Stopped, stoppable

    async def until_stopped() -> None:
        async with running(chosen, SystemClock(), RandomIds(), shadow=shadow) as bot:
            what = "a shadow that sends nothing" if shadow else chosen.mode
            print(
                f"basisbot runs ({what}), {bot.url}/docs, trading is {bot.engine.state.trading}",
                flush=True,
            )
            await bot.failed

    folder = (settings_of(chosen) if shadow else chosen).data_dir
    with logging_to(Files(folder).log, console=True), suppress(Stopped):
        try:
            await stoppable(until_stopped())
        except Unreachable as error:
            hint = "; are the simulated venues up? (basisbot sim)" if chosen.mode == "simulated" else ""
            raise CommandFailed(f"{error}{hint}", Exit.UNREACHABLE) from error
    print("stopped; the ledger is written and closed", file=sys.stderr)


def _print_report(report: "Report", json: bool) -> None:
    from bot.cli import output, report_output

    if json:
        output.print_json(report.as_json())
        return
    view = report.as_json()
    print()
    print("done" if report.ok else "NOT as it should be")
    lines = [
        ("flat at both venues", "yes" if report.flat else "NO"),
        ("ledger verified", "yes" if report.verification.ok else "NO"),
        ("balances equal the venues'", "yes" if report.balances_match else "NO"),
        ("tranches, orders, fills", f"{view['tranches_filled']}, {view['orders']}, {view['fills']}"),
        ("P&L after fees and funding", _usd(view["pnl_usd"])),
        (
            "exposure that remains",
            f"{report.summary.final_delta_xbt:.8f} XBT (the wallet: flat is not unexposed)",
        ),
        ("time", f"{report.duration_s:.1f} s"),
    ]
    for name, value in lines:
        print(f"  {name:<28} {value}")
    for proposed in report.watched:
        print(f"  - {proposed}")
    for name in report.unfinished:
        print(f"  ! plan {name} was not carried through: {report.plans[name]}")
    for cause in report.missed:
        print(f"  ! {cause}: what should have been done was not")
    for problem in (*report.mismatches, *report.verification.problems):
        print(f"  ! {problem}")
    print()
    report_output.print_totals(report.summary)
    print("\nThe basis had seconds, not weeks, to narrow: what shows is fees, funding and")
    say("the bid-ask spread. Plan by plan: basisbot ledger report")


def _usd(amount: float | None) -> str:
    return "no price to value it at" if amount is None else f"{amount:,.2f} USD"


def register(app: typer.Typer) -> None:
    for command in (demo, sim, run):
        app.command()(command)
