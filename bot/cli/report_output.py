"""The report of the books on a terminal of 80 columns, and as JSON with every figure exact."""

from collections.abc import Iterable
from dataclasses import fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot.cli.output import console, exact, two_columns

if TYPE_CHECKING:
    from bot.ledger.amounts import Amounts
    from bot.ledger.legs import LegResult, PairResult, Slippage
    from bot.ledger.plan_results import PlanResult
    from bot.ledger.report import Line, Summary
    from bot.model.plans import PlanSpec

_NONE = "–"


def as_json(summary: "Summary", plans: Iterable["PlanResult"]) -> dict[str, Any]:
    """Return the report, of ``plans`` only, as JSON values; numbers that are not counts are text."""
    told = {
        field.name: exact(getattr(summary, field.name))
        for field in fields(summary)
        if field.name not in ("plans", "balances", "reconciled")
    }
    at, differences = summary.reconciled or (None, ())
    return told | {
        "reconciled": None if at is None else {"at": exact(at), "differences": list(differences)},
        "explained": not summary.residual,
        "plans": [exact(plan) for plan in plans],
    }


def print_report(summary: "Summary", path: object) -> None:
    out = console()
    out.print(f"[bold]books[/] {escape(str(path))}", soft_wrap=True)
    until = "" if summary.until is None else f", the last at {summary.until:%F %T} UTC"
    out.print(f"{summary.events:,} events{until}")
    out.print(_venues(summary))
    for plan in summary.plans:
        out.print()
        print_plan(plan, summary.valuation_price, out)
    if not summary.earned and not summary.from_outside:
        out.print("nothing was traded and no cash was booked yet")
        return
    out.print()
    print_totals(summary, out)


def print_totals(summary: "Summary", out: Console | None = None) -> None:
    """Print where it came from, where it is, and whether the one explains the other."""
    out = out or console()
    price = summary.valuation_price
    table = Table(box=None, padding=(0, 1), header_style="dim", pad_edge=False)
    table.add_column("all together")
    for name in ("XBT", "USD", "in USD" if price is None else f"in USD at {_price(price)}"):
        table.add_column(name, justify="right", no_wrap=True)

    def row(name: str, amounts: "Amounts", style: str = "") -> None:
        table.add_row(
            escape(name), _xbt(amounts.xbt), _usd(amounts.usd), _usd(amounts.valued(price)), style=style
        )

    def rows(lines: Iterable["Line"]) -> None:
        for line in lines:
            row(f"  {line.name}", line.amounts)

    rows(summary.earned)
    row("result", summary.result, "bold")
    row("  of it realised, in cash", summary.pnl)
    row("  of it in open positions", summary.in_positions)
    rows(summary.from_outside)
    explained = summary.result
    for line in summary.from_outside:
        explained += line.amounts
    row("result plus what came in", explained, "bold")
    rows(summary.held)
    row("held", explained + summary.residual, "bold")
    out.print(table)
    residual = f"{summary.residual.xbt:.8f} XBT, {_exact_usd(summary.residual.usd)} USD"
    style = "red" if summary.residual else "green"
    out.print(f"[{style}]explained: {_share(summary)}[/] (residual {residual})")
    out.print(
        f"naked at most {_plain(summary.max_naked_delta_xbt)} XBT, in all "
        f"{_plain(summary.naked_xbt_seconds, 4)} XBT·seconds, longest {summary.longest_naked_seconds:.3f} s\n"
        f"{summary.orders} orders, {summary.fills} fills, {summary.adoptions} adopted"
    )
    if summary.in_positions:
        out.print(
            "[dim]an open position counts as what it exchanged: XBT had for USD owed, or the reverse[/]"
        )


def print_plan(plan: "PlanResult", price: Decimal | None, out: Console | None = None) -> None:
    out = out or console()
    out.print(f"[bold]plan {plan.plan_id}[/]  {escape(_intent(plan))}")
    if plan.spec is not None and plan.spec.why:
        out.print(f"  [dim]proposed by the bot ({plan.spec.cause}): {escape(plan.spec.why)}[/]")
    legs = [leg for leg in (plan.linear, plan.inverse) if leg is not None]
    if legs or plan.single:
        out.print(_prices(plan, legs))
    facts = two_columns()
    if legs:
        captured = "" if plan.pair is None else _captured(plan.pair)
        facts.add_row("  pair locked in", _amounts(plan.basis) + captured)
    if plan.single:
        facts.add_row("  traded alone", _amounts(plan.collateral))
    fees = ", ".join(f"{venue} {_amounts(paid, signed=False)}" for venue, paid in plan.fees)
    facts.add_row("  fees paid", fees or "none")
    facts.add_row("  funding", _amounts(plan.funding))
    worth = plan.result.valued(price)
    at = "" if worth is None or price is None or not plan.result.xbt else f" = {_usd(worth)} USD"
    facts.add_row("  result", f"[bold]{_amounts(plan.result)}[/]{at}")
    naked = plan.exposure
    facts.add_row(
        "  naked",
        f"at most {_plain(naked.max_naked_delta_xbt)} XBT, {_plain(naked.naked_xbt_seconds, 4)} XBT·seconds, "
        f"longest {naked.longest_naked_seconds:.3f} s",
    )
    out.print(facts)


def _venues(summary: "Summary") -> str:
    if summary.reconciled is None:
        return "[yellow]never held against the venues[/]"
    at, differences = summary.reconciled
    if not differences:
        return f"held against the venues at {at:%F %T} UTC: they agree"
    lines = "".join(f"\n  {escape(line)}" for line in differences)
    return f"[red]held against the venues at {at:%F %T} UTC: they differ[/]{lines}"


def _intent(plan: "PlanResult") -> str:
    spec = plan.spec
    if spec is None:
        return "its proposal is not in the books"
    why = f" ({plan.reason})" if plan.reason and plan.status != "done" else ""
    return f"{_what(spec)}, {plan.tranches_filled} of {spec.tranches} tranches filled, {plan.status}{why}"


def _what(spec: "PlanSpec") -> str:
    if spec.single is not None:
        return f"{spec.single.side} {spec.single.contracts:,} {spec.single.instrument} alone"
    if spec.stops is not None:
        return str(spec.stops)
    size = "everything" if spec.size_xbt is None else f"{_plain(spec.size_xbt)} XBT"
    return f"{spec.kind} {size} {f'of {spec.inverse} into {spec.linear}' if spec.is_roll else spec.direction}"


def _prices(plan: "PlanResult", legs: Iterable["LegResult"]) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="dim", pad_edge=False)
    table.add_column("")
    for name in ("XBT", "quoted", "filled", "worse: USD", "USD/XBT", "bp"):
        table.add_column(name, justify="right", no_wrap=True)
    for leg in legs:
        table.add_row(*_leg(leg, ""))
    if plan.pair is not None:
        pair = plan.pair
        table.add_row(
            "  pair, basis", "", _price(pair.quoted), _price(pair.filled), *_slippage(pair.slippage)
        )
    for leg in plan.single:
        table.add_row(*_leg(leg, " alone"))
    return table


def _leg(leg: "LegResult", note: str) -> tuple[str, ...]:
    xbt = leg.exchanged.xbt
    verb = "sold" if xbt < 0 else "bought" if xbt else "took back"
    return (
        escape(f"  {verb} {leg.instrument.symbol}{note}"),
        f"{xbt:+.4f}",
        *(_price(leg.quoted), _price(leg.filled), *_slippage(leg.slippage)),
    )


def _slippage(slippage: "Slippage | None") -> tuple[str, str, str]:
    if slippage is None:
        return _NONE, _NONE, _NONE
    per, bp = slippage.usd_per_xbt, slippage.bp
    return (
        f"{slippage.usd:+,.2f}",
        _NONE if per is None else f"{per:+,.2f}",
        _NONE if bp is None else f"{bp:+.2f}",
    )


def _captured(pair: "PairResult") -> str:
    return "" if pair.captured is None else f"; {pair.captured:.2%} of the basis quoted"


def _amounts(amounts: "Amounts", *, signed: bool = True) -> str:
    """Return both currencies in one line, what is nothing left out."""
    sign = "+" if signed else ""
    told = []
    if amounts.usd:
        told.append(f"{amounts.usd:{sign},.2f} USD")
    if amounts.xbt:
        told.append(f"{amounts.xbt:{sign},.8f} XBT")
    return ", ".join(told) or "none"


def _share(summary: "Summary") -> str:
    if not summary.residual:
        return "100 %"
    shares = []
    for of in ("xbt", "usd"):
        residual = abs(getattr(summary.residual, of))
        held = sum((abs(getattr(line.amounts, of)) for line in summary.held), Decimal(0))
        shares.append(1 - residual / held if held > residual else Decimal(not residual))
    # Cut off, not rounded: what is not all of it never reads 100.
    return f"{int(min(shares) * 1_000_000) / 10_000:.4f} %"


def _xbt(amount: Decimal) -> str:
    return f"{amount:+,.8f}" if amount else _NONE


def _usd(amount: Decimal | None) -> str:
    return f"{amount:+,.2f}" if amount else _NONE


def _exact_usd(amount: Decimal) -> str:
    return f"{amount:,.2f}" if amount == round(amount, 2) else f"{amount:,f}"


def _price(price: Decimal | None) -> str:
    return _NONE if price is None else f"{price:,.2f}"


def _plain(value: Decimal, places: int = 8) -> str:
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".")
