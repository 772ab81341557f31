"""How things look on a terminal of 80 columns."""

import json
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot.cli import ahead_output, margin_output, transfer_output
from bot.cli.hints import say, told
from risk.instruments import InstrumentId

View = dict[str, Any]


def exact(value: Any) -> Any:
    """Return ``value`` as JSON values: every number that is no count, and every time, as text."""
    match value:
        case Decimal():
            return format(value.normalize() if value else Decimal(0), "f")
        case float():
            return exact(Decimal(str(value)))
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case InstrumentId():
            return str(value)
        case tuple() | list():
            return [exact(each) for each in value]
        case _ if is_dataclass(value):
            return {field.name: exact(getattr(value, field.name)) for field in fields(value)}
    return value


def print_json(value: Any) -> None:
    print(json.dumps(value, indent=2))


def console() -> Console:
    return Console(highlight=False, soft_wrap=False)


def two_columns() -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    return table


def price(value: str | None) -> str:
    """Return a price with its thousands grouped; a dash where there is none."""
    if value is None:
        return "–"
    whole, dot, rest = value.partition(".")
    return f"{int(whole):,}{dot}{rest}"


def _percent(value: str | None) -> str:
    return "not known yet" if value is None else f"{float(value):.1%}"


def status(view: View) -> None:
    """Print ``basisbot status``."""
    console().print(status_grid(view))


def status_grid(view: View) -> Table:
    """Return how things stand, as a table of two columns."""
    grid = two_columns()
    ahead_output.to_do(grid, view["outlook"])
    agree = "[green]ledger and venues agree[/]" if view["reconciled"] else "[red]not reconciled[/]"
    shadow = ", [bold]a shadow: it sends nothing[/]" if view["shadow"] else ""
    grid.add_row("instance", f"{view['instance']} ({view['mode']}){shadow}, pid {view['pid']}")
    grid.add_row("trading", f"{view['trading']}; {agree}")
    for line in view["differences"]:
        grid.add_row("", f"[red]{escape(line)}[/]")
    _not_in_force(grid, view)
    if view["latched"]:
        grid.add_row("", f"[red]{escape(told(view['latched']))}[/]")
    grid.add_row("links", ", ".join(f"{venue} {link}" for venue, link in view["links"].items()))
    for session in view["sessions"]:
        grid.add_row("market", session_line(session))
    for quote in view["quotes"]:
        grid.add_row(
            "quote",
            f"{quote['instrument']}  {price(quote['bid'])} / {price(quote['ask'])}  "
            f"[dim]{quote['age_seconds']:.1f} s old[/]",
        )
    if view["basis"]:
        grid.add_row("basis", f"{price(view['basis']['usd'])} USD ({float(view['basis']['percent']):.2f} %)")
    for account in view["accounts"]:
        grid.add_row(
            "account", f"{account['venue']}  wallet {account['wallet']}, available {account['available']}"
        )
    for held in view["positions"]:
        grid.add_row(
            "position", f"{held['instrument']}  {held['contracts']:+,} contracts ({held['xbt']} XBT)"
        )
    for name, contracts in view["left_aside"].items():
        grid.add_row("not counted", f"{name}  {contracts:+,} contracts, adopted as they are")
    for order in view["acknowledged_orders"]:
        grid.add_row("not ours", f"{order['venue']} order {order['order']}, {order['contracts']:,} contracts")
    if not view["positions"]:
        grid.add_row("position", "none")
    grid.add_row("Δ", f"{view['delta_xbt']} XBT; unhedged {view['unhedged_xbt']} XBT")
    at = view["delta_venues_at"]
    compared = f"{view['delta_venues_xbt'] or '?'} XBT at {_moment(at)}, when last compared" if at else ""
    grid.add_row("Δ by venues", compared or "not compared yet")
    for row in transfer_output.rows(view["moves"], "on its way"):
        grid.add_row(*row)
    for plan in view["plans"]:
        grid.add_row("plan", escape(plan_line(plan)))
    for of in view["exits"]:
        grid.add_row("exit", escape(_exit(of)))
    for order in view["orders_in_flight"]:
        grid.add_row("order", f"{order['id']} {order['belief']}, {order['outstanding']} outstanding")
    for stop in view.get("stops", ()):
        what = f"{stop['side']} {stop['contracts']:,} {stop['instrument']} at {stop['trigger']}"
        grid.add_row("stop", f"{stop['id']}  {what}, on the mark")
    tickets = view["open_tickets"]
    waiting = f"[bold]{tickets} wait{'s' if tickets == 1 else ''} for you[/]: {told('basisbot tickets')}"
    grid.add_row("tickets", waiting if tickets else "none waiting")
    _indices(grid, view["outlook"].get("indices"))
    _ahead(grid, view["outlook"])
    shown = view["alerts"][-5:]
    for alert in shown:
        when = f"{alert['at'][5:10]} {alert['at'][11:16]}Z"
        grid.add_row("alert", f"[yellow]{when} {alert['code']}: {escape(told(alert['text']))}[/]")
    if shown:
        pages = dict.fromkeys(alert["code"].lower().replace("_", "-") for alert in shown)
        grid.add_row("what to do", ", ".join(f"runbooks/{page}.md" for page in pages))
    return grid


def _indices(grid: Table, seen: View | None) -> None:
    """Say what the contracts settle on, and how far that is apart."""
    if seen is None:
        return
    text = escape(seen["text"])
    grid.add_row("indices", text if seen["usd"] is not None else f"[dim]{text}[/]")
    for one in seen["settlements"]:
        if one["price"] is not None:
            of = "" if one["at"] is None else f", of {_moment(one['at'])}"
            grid.add_row("", f"{escape(one['index'])} {price(one['price'])}{of}")
    for one in seen["averaging"]:
        fixed = f"{float(one['fixed_percent']):.0f} % of its settlement price is fixed"
        grid.add_row("", f"[bold]{escape(one['instrument'])}[/]: {fixed}, all of it {_moment(one['ends'])}")


def _ahead(grid: Table, ahead: View) -> None:
    """Say how far the accounts are from liquidation, and what comes next if nobody answers."""
    for row in margin_output.rows(ahead):
        grid.add_row(*row)
    if ahead["holding"]:
        held = ahead["holding"]
        dated = held["dated"]
        instead = "" if dated is None else f"; in {dated} {price(held['dated_edge_usd'])}, the move paid"
        so_far = "" if held["funded"] is None else f" (so far {held['funded']})"
        grid.add_row(
            "holding",
            f"until {held['until'][:10]}: basis left {price(held['basis_left_usd'])}, funding expected "
            f"{price(held['funding_usd'])}{so_far}, edge {price(held['edge_usd'])} USD per XBT{instead}",
        )
    ahead_output.in_short(grid, ahead)


def _not_in_force(grid: Table, view: View) -> None:
    """Say why the trading state is not in force, if it is not."""
    if view["reconciled"]:
        return
    standing = view["reconciliation"]
    grid.add_row(
        "", f"[red]{view['trading']} is not in force: until they agree, what has filled is hedged, no more[/]"
    )
    for venue in standing["missing"]:
        again = "" if venue["next_try_seconds"] is None else f", again in {venue['next_try_seconds']:.0f} s"
        tries = f"{venue['tries']} {'try' if venue['tries'] == 1 else 'tries'}{again}"
        grid.add_row(
            "", f"[red]{venue['venue']} not reached since the start ({tries}): {escape(venue['problem'])}[/]"
        )
    if standing["problem"] and not view["differences"] and not standing["missing"]:
        grid.add_row(
            "", f"[red]{escape(standing['problem'])}; again in {standing['next_try_seconds']:.0f} s[/]"
        )


def comparison(view: View) -> None:
    """Print what ledger and venues disagree about."""
    table = Table(title_justify="left", show_edge=False, pad_edge=False)
    for column in ("", "at the venue", "in the ledger"):
        table.add_column(column, overflow="fold")
    for item in view["items"]:
        table.add_row(escape(item["subject"]), escape(item["venue"]), escape(item["ledger"]))
    console().print(table)


def session_line(session: View) -> str:
    """Say whether a market trades, and until when."""
    line = f"{session['instrument']}  {session['session']}"
    if session["closes"]:
        line += f", closes {_moment(session['closes'])}"
    elif session["session"] != "open":
        line = f"[yellow]{line}[/]"
        line += f", opens {_moment(session['opens'])}" if session["opens"] else ""
        line += f" [red]({escape(session['trouble'])})[/]" if session["trouble"] else ""
    return line


def _moment(text: str) -> str:
    return f"{text[:10]} {text[11:16]}Z"


def why_none(view: View) -> None:
    """Say why an active plan raises no tickets, if there is a reason."""
    if not view["plans"] or view["open_tickets"]:
        return
    if not view["reconciled"]:
        say("a plan waits: ledger and venues must agree first (see: basisbot status)")
    elif view["trading"] != "active":
        say(f"a plan waits: trading is {view['trading']} (basisbot enable)")


def plans(views: list[View]) -> None:
    """Print ``basisbot plan list``."""
    grid = two_columns()
    for plan in views:
        grid.add_row(plan["plan"], _plan(plan))
        if plan["ladder"]:
            grid.add_row("", f"[dim]ladder {', '.join(map(_rung, plan['ladder']))}[/]")
        if why := plan["reason"] or plan["stopping"] or plan["waiting"]:
            grid.add_row("", f"[dim]{escape(told(why))}[/]")
    console().print(grid)


def plan_line(plan: View) -> str:
    line = f"{plan['plan']}  {_plan(plan)}"
    why = plan["reason"] or plan["stopping"] or plan["waiting"]
    return f"{line} ({told(why)})" if why else line


def _exit(of: View) -> str:
    line = f"{of['plan']}  {of['rules']}"
    if of["best"] is not None:
        line += f", best basis {price(of['best'])}"
    return f"{line}; its {of['tripped']} HAS TRIPPED" if of["tripped"] else line


def _rung(rung: View) -> str:
    least, most = rung["min_basis"], rung["max_basis"]
    return f"{rung['size_xbt']}@{least or ''}:{most or ''}" if least or most else str(rung["size_xbt"])


def _plan(plan: View) -> str:
    size = "everything" if plan["size_xbt"] is None else f"{plan['size_xbt']} XBT"
    whither = f"of {plan['from']} into {plan['into']}" if plan["into"] else plan["direction"]
    what = plan["single"] or f"{plan['kind']} {size} {whither}"
    return f"{what}, {plan['tranches_done']} of {plan['tranches']} tranches, {plan['status']}"


def ticket(view: View) -> None:
    """Print one ticket as a card."""
    out = console()
    grid = two_columns()
    size = f"{view['contracts']:,} contracts"
    if view["unit"] == "XBT":
        size = f"about {size}, at most {view['at_most']} XBT"
    reduce_only = ", reduce-only" if view["reduce_only"] else ""
    grid.add_row("order", f"[bold]{view['side'].upper()} {size} of {view['instrument']}[/]{reduce_only}")
    grid.add_row("to", view["purpose"])
    limits, basis = [], "calendar spread" if view["roll"] else "basis"
    if view["min_basis"]:
        limits.append(f"{basis} at least {price(view['min_basis'])} USD")
    if view["max_basis"]:
        limits.append(f"{basis} at most {price(view['max_basis'])} USD")
    limits.append(f"price {price(view['price_low'])} to {price(view['price_high'])}")
    grid.add_row("limits", "; ".join(limits))
    for name in ("inverse", "linear"):
        age = view[f"{name}_age_seconds"]
        quote = f"{price(view[f'{name}_bid'])} / {price(view[f'{name}_ask'])}"
        title = {"inverse": "old month", "linear": "new month"}[name] if view["roll"] else name
        grid.add_row(f"{title} quote", quote + ("" if age is None else f"  [dim]{age:.1f} s old[/]"))
    if view["basis"]:
        grid.add_row(basis, f"{price(view['basis'])} USD as quoted")
    both = "" if view["delta_both_xbt"] is None else f"; with both {view['delta_both_xbt']}"
    grid.add_row("Δ", f"{view['delta_before_xbt']} → {view['delta_after_xbt']} XBT by this leg{both}")
    grid.add_row("margin used", f"{_percent(view['margin_before'])} → {_percent(view['margin_after'])}")
    for row in _risk(view):
        grid.add_row(*row)
    grid.add_row(
        "time left",
        f"{view['seconds_left']:.0f} s to approve, then {view['execute_within_seconds']:.0f} s to execute",
    )
    out.print(f"[bold]ticket {view['id']}[/]  tranche {view['tranche']}, {view['role']} leg")
    out.print(grid)
    out.print()


def _risk(view: View) -> list[tuple[str, str]]:
    """What is taken on: how much is naked, for how long, what it costs to take it back, and when the other leg is asked
    for."""
    cost, partner = view["cost_if_partner_fails_usd"], view["partner"]
    if view["role"] == "hedge":
        rows = [("if the other leg fails", "nothing: this leg only answers what that one has filled")]
        if view["approval"] == "sequential":
            return [
                *rows,
                ("naked now", f"[red]{view['unhedged_xbt']} XBT[/], unwound when the time is over"),
            ]
        return [*rows, ("armed with", f"{partner}: nothing is sent before both are approved")]
    if cost is None or partner is None:
        return []
    rows = [
        ("if the other leg fails", f"about {price(cost)} USD to take {view['naked_xbt']} XBT back"),
        ("naked", f"at most {view['naked_xbt']} XBT for {view['naked_seconds']:.0f} s"),
    ]
    if view["approval"] == "sequential":
        return [*rows, ("then", f"{partner} is asked for, when this leg has filled")]
    return [*rows, ("armed with", f"{partner}: nothing is sent before both are approved")]
