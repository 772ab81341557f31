"""How one plan looks on a terminal of 80 columns."""

from typing import Any

from rich.markup import escape
from rich.table import Table

from bot.cli.hints import told
from bot.cli.output import console, plan_line, price, two_columns

View = dict[str, Any]


def detail(view: View) -> None:
    """Print ``basisbot plan show``, but for what the books say."""
    out = console()
    grid = two_columns()
    grid.add_row("plan", f"[bold]{escape(plan_line(view))}[/]")
    grid.add_row("proposed", f"{view['proposed_at'][:19]}Z by {escape(view['proposed_by'])}")
    for label, text in (
        ("why", view["why"]),
        ("waits", view["waiting"] and f"[yellow]{escape(told(view['waiting']))}[/]"),
        ("limits", _limits(view)),
        ("ladder", "\n".join(view["ladder"])),
        ("exit", view["exit"]),
        ("exit of", view["exit_of"]),
        ("works", f"the {view['working']} leg first, {view['style']}"),
        ("unhedged", _unhedged(view)),
    ):
        if text:
            grid.add_row(label, text)
    out.print(grid)
    for tranche in view["tranche_list"]:
        out.print(f"\n[bold]tranche {tranche['number']}[/]  {tranche['state']}")
        for leg in tranche["legs"]:
            by = f" by {leg['approved_by']}" if leg["approved_by"] else ""
            out.print(
                f"  {leg['role']} leg, ticket {leg['ticket']}: {leg['side']} {leg['contracts']:,} "
                f"{escape(leg['instrument'])}, {leg['status']}{escape(by)}"
            )
            if leg["orders"]:
                out.print(_orders(leg["orders"]))


def _limits(view: View) -> str:
    told = []
    if view["min_basis"]:
        told.append(f"basis at least {price(view['min_basis'])} USD")
    if view["max_basis"]:
        told.append(f"basis at most {price(view['max_basis'])} USD")
    return ", ".join(told)


def _unhedged(view: View) -> str:
    if view["naked_seconds"] is None:
        return ""
    return f"[red]{view['unhedged_xbt']} XBT for {view['naked_seconds']:.1f} s[/]"


def _orders(orders: list[View]) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="dim")
    table.add_column("order", no_wrap=True)
    table.add_column("")
    table.add_column("contracts", justify="right", no_wrap=True)
    table.add_column("limit, price", justify="right", no_wrap=True)
    table.add_column("")
    for order in orders:
        look = "[red]unknown[/]" if order["belief"] == "unknown" else order["belief"]
        filled = f"{order['filled']:,} of {order['contracts']:,}"
        table.add_row(f"  {order['id']}", order["side"], filled, price(order["price"]), look)
        for fill in order["fills"]:
            table.add_row(
                "",
                "[dim]fill[/]",
                f"{fill['contracts']:,}",
                price(fill["price"]),
                f"[dim]{fill['at'][11:19]}Z[/]",
            )
    return table
