"""How ``watch`` and ``basis`` look on a terminal of 80 columns."""

import json
from collections import deque
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from rich.console import Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from bot.cli.output import console, price, status_grid, two_columns

View = dict[str, Any]
Stream = Iterator[tuple[str, View]]


def lines(stream: Stream) -> None:
    """Print one line of JSON for everything the bot tells."""
    for kind, content in stream:
        print(json.dumps({"kind": kind, **({"event": content} if kind == "event" else content)}), flush=True)


def events(stream: Stream) -> None:
    """Print a line for each event."""
    for kind, content in stream:
        if kind == "event":
            print(event_line(content), flush=True)


def live(stream: Stream, shown: int) -> None:
    """Keep the terminal showing how things stand."""
    latest: deque[View] = deque(maxlen=shown)
    with Live(console=console(), screen=True, auto_refresh=False) as screen:
        for kind, content in stream:
            if kind == "event":
                latest.append(content)
            else:
                screen.update(picture(content, latest), refresh=True)


def event_line(event: View) -> str:
    return f"{event['at'][11:19]}Z {event['text']}"


def picture(view: View, latest: Iterable[View]) -> RenderableType:
    """Return how things stand."""
    parts: list[RenderableType] = [status_grid(view["status"])]
    grid = two_columns()
    if view["basis"]:
        for way in view["basis"]["directions"]:
            grid.add_row("after costs", _left(way))
    for ticket in view["tickets"]:
        grid.add_row("[bold]ticket[/]", _ticket(ticket))
    for event in latest:
        grid.add_row("", Text(event_line(event), style="dim", no_wrap=True, overflow="ellipsis"))
    parts.append(grid)
    return Group(*parts)


def _left(way: View) -> str:
    year = (
        ""
        if way["net_annualised_percent"] is None
        else f", {float(way['net_annualised_percent']):.1f} % a year"
    )
    return f"{way['direction']}  {_signed(way['net_usd'])} USD per XBT{year}"


def _ticket(ticket: View) -> str:
    size = f"{ticket['side'].upper()} {ticket['contracts']:,} {escape(ticket['instrument'])}"
    return f"{ticket['id']}  {size}, [bold]{ticket['seconds_left']:.0f} s[/] left"


def basis(view: View) -> None:
    """Print ``basisbot basis``."""
    out = console()
    head = two_columns()
    for name in ("linear", "inverse"):
        quote = view[name]
        head.add_row(
            name,
            f"{escape(quote['instrument'])}  {price(quote['bid'])} / {price(quote['ask'])}  "
            f"[dim]{quote['age_seconds']:.1f} s old[/]",
        )
    for one in view["indices"]:
        age = "" if one["age_seconds"] is None else f"  [dim]{one['age_seconds']:.1f} s old[/]"
        told = (
            f"not known ({escape(one['problem'])})" if one["price"] is None else f"{price(one['price'])}{age}"
        )
        head.add_row("index", f"{escape(one['index'])}  {told}")
    head.add_row("basis", f"[bold]{_usd(view['usd'])} USD[/], {float(view['percent']):.2f} %{_a_year(view)}")
    out.print(head)
    out.print()
    table = Table(box=None, padding=(0, 1), header_style="dim", pad_edge=False)
    table.add_column("USD per XBT")
    for way in view["directions"]:
        table.add_column(way["direction"], justify="right", no_wrap=True)
    for label, key, sign in (
        ("opening takes in", "received_usd", 1),
        ("fees, both legs in", "fees_in_usd", -1),
        ("fees, both legs out", "fees_out_usd", -1),
        ("crossing both books out", "crossing_out_usd", -1),
    ):
        table.add_row(label, *(_signed(sign * Decimal(way[key])) for way in view["directions"]))
    table.add_row("[bold]left[/]", *(f"[bold]{_signed(way['net_usd'])}[/]" for way in view["directions"]))
    table.add_row("  in per cent", *(f"{float(way['net_percent']):+.2f} %" for way in view["directions"]))
    if view["annualised_percent"] is not None:
        table.add_row(
            "  in per cent a year",
            *(f"{float(way['net_annualised_percent']):+.1f} %" for way in view["directions"]),
        )
    table.add_row(
        "[dim]closing now takes in[/]",
        *(f"[dim]{_signed(way['closing_now_usd'])}[/]" for way in view["directions"]),
    )
    out.print(table)
    out.print()
    commission = view["linear_commission_usd"]
    told = f"{float(view['inverse_fee_percent']):g} % a side at the inverse venue"
    if commission is None:
        told += "; [yellow]the broker's commission is not known before its first fill, and not in these figures[/]"
    else:
        told += f", {_usd(commission)} USD a contract at the broker (as lately charged)"
    out.print(f"Fees: {told}.")
    out.print("Left: if the basis is gone when it is taken down. A perpetual's funding comes on top.")


def _a_year(view: View) -> str:
    if view["annualised_percent"] is None:
        return ""
    return f", {float(view['annualised_percent']):.1f} % a year until {view['expiry'][:10]}"


def _usd(value: object) -> str:
    return f"{Decimal(str(value)):,.2f}"


def _signed(value: object) -> str:
    return f"{Decimal(str(value)):+,.2f}"
