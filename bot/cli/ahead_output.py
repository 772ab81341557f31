"""How what lies ahead looks on a terminal: first what a person is asked to do, then all of it."""

from typing import Any

from rich.markup import escape
from rich.table import Table

from bot.cli.hints import told

View = dict[str, Any]
_FAR_PERCENT = 1000
_PRESSING = 15 * 60
_FIRST = 3
_NOTHING_ASKED = "nothing is asked"


def to_do(grid: Table, ahead: View) -> None:
    """Say what a person should do now, or when the next thing is due; what happens otherwise, at which cost."""
    asked = ahead.get("to_do", [])  # not told by a bot of before
    for one in asked[:_FIRST]:
        left = one["seconds_left"]
        look = "bold red" if left is None or left <= _PRESSING else "bold"
        by = "now" if left is None else f"by {_clock(one['at'])}, in {span(left)}"
        grid.add_row("to do", f"[{look}]{by}: {escape(told(one['do']))}[/]")
        grid.add_row("", escape(told(one["what"])))
        grid.add_row("", f"[dim]otherwise: {escape(told(one['unanswered']))}{_cost(one)}[/]")
    if len(asked) > _FIRST:
        grid.add_row("", f"and {len(asked) - _FIRST} more: {told('basisbot ahead')}")
    if asked:
        return
    following = next((one for one in ahead["deadlines"] if one["at"] is not None), None)
    after = "" if following is None else f"; next: {when(following)} {escape(following['what'])}"
    grid.add_row("to do", f"nothing{after}")


def in_short(grid: Table, ahead: View) -> None:
    """Name what is due, and what happens if nobody answers."""
    told_above = ahead.get("to_do", [])[:_FIRST]
    due = [one for one in ahead["deadlines"] if one not in told_above]
    for one in due[:6]:
        grid.add_row("ahead", f"[bold]{when(one)}[/]  {escape(one['what'])}")
        grid.add_row("", f"[dim]unanswered: {escape(told(one['unanswered']))}{_cost(one)}[/]")
    if len(due) > 6:
        grid.add_row("", f"and {len(due) - 6} more: {told('basisbot ahead')}")


def in_full(ahead: View) -> Table:
    """Return all that is due, with what happens either way and what it costs."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    to_do(grid, ahead)
    for one in ahead["deadlines"]:
        grid.add_row("", "")
        grid.add_row("when", f"[bold]{when(one)}[/]")
        grid.add_row("what", escape(told(one["what"])))
        if one.get("do"):
            grid.add_row("do", f"[bold]{escape(told(one['do']))}[/]")
        if one["answered"] == _NOTHING_ASKED:
            grid.add_row("then", escape(told(one["unanswered"])))
        else:
            grid.add_row("if done" if one.get("do") else "then", escape(told(one["answered"])))
            grid.add_row("if not", escape(told(one["unanswered"])))
        if one["cost"]:
            grid.add_row("cost", escape(one["cost"]))
    return grid


def when(one: View) -> str:
    """Say when something is due, and how far that is."""
    if one.get("price") is not None:
        return "at a price"
    if one["at"] is None:
        return "now"
    left = one.get("seconds_left")
    return _clock(one["at"]) + ("" if left is None else f", in {span(left)}")


def span(seconds: float) -> str:
    """Write a time that is left, as coarse as it is long."""
    minutes = int(seconds // 60)
    if minutes < 2:
        return f"{max(seconds, 0):.0f} s"
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"


def away(percent: str) -> str:
    """Say how far a liquidation is; beyond ten times the price nobody needs the figure."""
    value = float(percent)
    return "over 10 times the price away" if value > _FAR_PERCENT else f"{value:,.1f} % away"


def _clock(at: str) -> str:
    return f"{at[5:10]} {at[11:16]}Z"


def _cost(one: View) -> str:
    return f"; cost: {escape(one['cost'])}" if one["cost"] else ""
