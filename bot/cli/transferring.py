"""``transfer list|record|done|cancel|convert``: money you move. The bot moves none; it counts what is on its way."""

from decimal import Decimal
from typing import Annotated, Any, Literal

import typer

from bot.cli.client import name, who
from bot.cli.failures import CommandFailed, Exit
from bot.cli.hints import say
from bot.cli.looking import connect
from bot.cli.numbers import positive
from bot.cli.options import DEFAULT_PROFILE, Json, Profile, Reason

transfer = typer.Typer(
    help="Money you move between the venues, wallets of yours and the outside. The bot itself moves none.",
    no_args_is_help=True,
)

Id = Annotated[
    str, typer.Argument(metavar="ID", help="The transfer's id, as basisbot transfer list shows it.")
]
Flow = Annotated[
    str | None,
    typer.Option("--flow", help="The deposit or withdrawal at the venue it was.", metavar="FLOW"),
]


@transfer.command("list")
def list_transfers(
    profile: Profile = DEFAULT_PROFILE,
    json: Json = False,
    everything: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
) -> None:
    """List what is on its way, what lies in wallets of yours, and the flows nobody has explained.

    Example: basisbot transfer list --all
    """
    from bot.cli import output, transfer_output

    view = connect(profile).get("/transfers")
    if not everything:
        view["transfers"] = [one for one in view["transfers"] if one["status"] == "open"]
    if json:
        output.print_json(view)
        return
    grid = output.two_columns()
    for row in (*transfer_output.rows(view), *transfer_output.unexplained(view)):
        grid.add_row(*row)
    output.console().print(grid if grid.row_count else "nothing is on its way")


@transfer.command("record")
def record(
    amount: Annotated[
        Decimal, typer.Option("--amount", help="How much left its source.", metavar="AMOUNT", parser=positive)
    ],
    currency: Annotated[Literal["XBT", "USD"], typer.Option("--currency", metavar="XBT|USD")],
    target: Annotated[str, typer.Option("--to", help="A venue, spot, or outside.", metavar="PLACE")],
    reason: Reason,
    source: Annotated[
        str, typer.Option("--from", help="A venue, spot, or outside.", metavar="PLACE")
    ] = "outside",
    flow: Flow = None,
    another: Annotated[
        bool, typer.Option("--another", help="None of the flows that look like it and are booked already.")
    ] = False,
    profile: Profile = DEFAULT_PROFILE,
    json: Json = False,
) -> None:
    """Record money that is on its way. XBT counts in Δ from now on, not when it arrives.

    A place is a venue's name (bitmex, cme), spot (a wallet, bank or spot exchange of yours that is no venue) or outside
    (not in these books). Record a withdrawal at the broker when it has left: the broker does not tell.

    Example: basisbot transfer record --amount 0.5 --currency XBT --to bitmex --reason "topped up"
    """
    body = {
        "amount": str(amount),
        "currency": currency,
        "source": source,
        "target": target,
        "flow_id": flow,
        "another": another,
    }
    _post("/transfers", body, reason, profile, json)


@transfer.command("done")
def done(
    transfer_id: Id,
    arrived: Annotated[
        Decimal | None,
        typer.Option(
            "--arrived",
            help="How much arrived, at a place that does not tell; all of it.",
            metavar="AMOUNT",
            parser=positive,
        ),
    ] = None,
    flow: Flow = None,
    final: Annotated[
        bool, typer.Option("--final", help="Nothing more comes: what is missing is booked as lost.")
    ] = False,
    reason: Reason = "it has arrived",
    profile: Profile = DEFAULT_PROFILE,
    json: Json = False,
) -> None:
    """Say that a transfer has arrived. What is missing by half a per cent or less is booked as a fee.

    At the inverse venue most deposits are recognised without this; name one that is not with --flow.

    Example: basisbot transfer done k7f3q2ab --arrived 39985
    """
    body = {"arrived": None if arrived is None else str(arrived), "flow_id": flow, "final": final}
    _post(f"/transfers/{name(transfer_id)}/done", body, reason, profile, json)


@transfer.command("cancel")
def cancel(
    transfer_id: Id,
    reason: Reason,
    profile: Profile = DEFAULT_PROFILE,
    json: Json = False,
) -> None:
    """Take a transfer back that was never sent, or came back. What is on its way is at its source again.

    Example: basisbot transfer cancel k7f3q2ab --reason "typed twice"
    """
    _post(f"/transfers/{name(transfer_id)}/cancel", {}, reason, profile, json)


@transfer.command("convert")
def convert(
    sell_usd: Annotated[
        Decimal | None, typer.Option("--sell-usd", metavar="USD", help="USD paid.", parser=positive)
    ] = None,
    buy_xbt: Annotated[
        Decimal | None, typer.Option("--buy-xbt", metavar="XBT", help="XBT received.", parser=positive)
    ] = None,
    sell_xbt: Annotated[
        Decimal | None, typer.Option("--sell-xbt", metavar="XBT", help="XBT sold.", parser=positive)
    ] = None,
    buy_usd: Annotated[
        Decimal | None, typer.Option("--buy-usd", metavar="USD", help="USD received.", parser=positive)
    ] = None,
    fee_usd: Annotated[
        Decimal | None, typer.Option("--fee-usd", metavar="USD", help="Fee beside it.", parser=positive)
    ] = None,
    fee_xbt: Annotated[
        Decimal | None, typer.Option("--fee-xbt", metavar="XBT", help="Fee beside it.", parser=positive)
    ] = None,
    reason: Reason = "converted by hand",
    profile: Profile = DEFAULT_PROFILE,
    json: Json = False,
) -> None:
    """Record XBT bought or sold outside the venues. It counts in Δ from now on.

    Both sides are at spot; what is sold and was not recorded as being there comes from outside these books.

    Example: basisbot transfer convert --sell-usd 40000 --buy-xbt 0.5
    """
    buys = sell_usd is not None and buy_xbt is not None
    sells = sell_xbt is not None and buy_usd is not None
    given = sum(each is not None for each in (sell_usd, buy_xbt, sell_xbt, buy_usd))
    if given != 2 or not (buys or sells):
        raise CommandFailed("say --sell-usd and --buy-xbt, or --sell-xbt and --buy-usd", Exit.USAGE)
    if fee_usd is not None and fee_xbt is not None:
        raise CommandFailed("one fee: --fee-usd or --fee-xbt", Exit.USAGE)
    fee = fee_usd or fee_xbt
    body = {
        "sell": str(sell_usd if buys else sell_xbt),
        "sell_currency": "USD" if buys else "XBT",
        "buy": str(buy_xbt if buys else buy_usd),
        "fee": "0" if fee is None else str(fee),
        "fee_currency": "XBT" if fee_xbt is not None else "USD",
    }
    _post("/conversions", body, reason, profile, json)


def _post(path: str, body: dict[str, Any], reason: str, profile: str, json: bool) -> None:
    from bot.cli import output

    answer = connect(profile).post(path, {**body, "by": who(), "reason": reason})
    output.print_json(answer) if json else say(answer["done"])


def register(app: typer.Typer) -> None:
    app.add_typer(transfer, name="transfer")
