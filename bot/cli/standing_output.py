"""A standing approval on a terminal of 80 columns."""

from typing import Any

from rich.markup import escape

from bot.cli import output
from bot.cli.hints import told

View = dict[str, Any]

_WORDS = {
    "open": "open",
    "close": "close",
    "reduce": "reduce before a closure",
    "collateral": "hedge the collateral",
    "orphan": "close a leg without its partner",
    "roll": "roll into the next expiry",
}


def card(view: View) -> None:
    """Print what it allows, and what is left of it."""
    grid = output.two_columns()
    is_draft = view["status"] == "draft"
    grid.add_row("for", ", ".join(_WORDS[use] for use in view["for"]))
    for line in dict.fromkeys(_may(scope) for scope in view["may"]):
        grid.add_row("may", line)
    grid.add_row(
        "at most", f"{view['daily_xbt']} XBT a day (UTC), {view['total_xbt']} XBT in all{_ticket(view)}"
    )
    if not is_draft:
        grid.add_row("left", f"{view['left_today_xbt']} XBT today, {view['left_xbt']} XBT in all")
    grid.add_row("Δ", f"changed by at most {view['max_delta_xbt']} XBT in one action")
    grid.add_row(
        "limits",
        f"{_basis(view)}price {output.price(view['price_low'])} to {output.price(view['price_high'])}",
    )
    days = view["seconds_left"] / 86_400
    left = f"{days:.1f} days" if days >= 1 else f"{view['seconds_left'] / 3600:.1f} hours"
    grid.add_row("until", f"{view['ends_at'][:16].replace('T', ' ')}Z" + (f" ({left})" if days > 0 else ""))
    grid.add_row("by", escape(view["by"]))
    if view["suspended"] and view["status"] == "suspended":
        grid.add_row("suspended", f"[yellow]{escape(told(view['suspended']))}[/]")
    if view["revoked"]:
        grid.add_row("revoked", escape(view["revoked"]))
    if is_draft:
        grid.add_row(
            "suspended",
            "while an order is UNKNOWN, quotes are stale, ledger and venues differ, or trading is stopped",
        )
    out = output.console()
    what = "NOT RECORDED YET" if is_draft else view["status"]
    out.print(f"[bold]standing approval {view['id']}[/]  {what}")
    out.print(grid)
    out.print()


def _may(scope: View) -> str:
    only = ", reduce-only" if scope["reduce_only"] else ""
    return f"{scope['side'].upper()} {scope['instrument']}{only}"


def _ticket(view: View) -> str:
    return "" if view["max_ticket_xbt"] is None else f", {view['max_ticket_xbt']} a ticket"


def _basis(view: View) -> str:
    least, most = view["min_basis"], view["max_basis"]
    told = [] if least is None else [f"basis at least {output.price(least)} USD"]
    told += [] if most is None else [f"basis at most {output.price(most)} USD"]
    return "".join(f"{each}; " for each in told)
