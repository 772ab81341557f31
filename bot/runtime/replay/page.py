"""The report of a replay as one HTML file: no script, nothing fetched, fit for a phone, dark or light."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from html import escape

from bot.ledger.amounts import Amounts
from bot.runtime.replay.beside import Beside
from bot.runtime.replay.margins import Low
from bot.runtime.replay.plots import plots
from bot.runtime.replay.result import NOT_EVIDENCE, Replayed
from bot.runtime.replay.style import STYLE
from bot.surfaces.chart import figure

_MOST_ROWS = 500
_NONE = "–"
_NEAR = 10
"""Per cent of price: a liquidation nearer than this is told in red."""


def page(result: Replayed, beside: Beside | None = None) -> str:
    """Return the report, a whole HTML document; with ``beside`` it says what the automation was worth."""
    recording, options = result.recording, result.options
    days = dict.fromkeys(f"{at:%-d %B %Y}" for at in (recording.starts, recording.ends))
    title = f"Replay {' to '.join(days)}"
    legs = (
        "long the inverse venue, short CME"
        if options.direction == "long-inverse"
        else ("short the inverse venue, long CME")
    )
    parts = [
        f"<h1>{title}</h1>",
        f'<p class="soft">{options.direction} ({legs}), {options.size} XBT in {options.tranches} tranches</p>',
        f'<div class="banner"><b>{NOT_EVIDENCE}.</b> Recorded prices, a book drawn around them, one history, a simple '
        "rule: this shows how the bot behaves in such a market, and not what it would have earned.</div>",
        _cards(result),
        "<h2>What is assumed</h2>",
        _bullets(result.assumptions),
        *(() if beside is None else _worth(beside)),
        "<h2>Course</h2>",
        '<p class="note">Shaded: CME closed for long. Dashed: a venue closed a position by force. Point at a dot '
        "for its figure. All times are UTC.</p>",
        *(figure(chart) for chart in plots(result)),
        *_money(result),
        *_margins(result),
        *_plans(result),
        *_tickets(result),
        *_rest(result),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}: {NOT_EVIDENCE}</title><style>{STYLE}</style></head><body><main>"
        + "\n".join(parts)
        + "</main></body></html>\n"
    )


def _cards(result: Replayed) -> str:
    first, last = result.samples[0], result.samples[-1]
    gained = last.equity_usd - first.equity_usd
    lows = [low for low in result.lows if low.unit == "% of price"]
    state = (
        "verified"
        if result.ok
        else "NOT VERIFIED: " + "; ".join((*result.differences, *result.verification.problems))
    )
    dollars, coins = result.drawdown_usd, result.drawdown_xbt
    outcomes = ", ".join(f"{count} {name}" for name, count in sorted(result.outcomes.items()))
    cards = [
        (f"{gained:+,.0f} USD", "both accounts, last less first", _tone(gained)),
        (f"−{dollars.worst:,.0f} USD", _span("largest drawdown", dollars.since, dollars.until), ""),
        (
            f"−{coins.worst:,.4f} XBT",
            _span("largest drawdown, all counted in XBT", coins.since, coins.until),
            "",
        ),
        *(_nearest(low) for low in lows),
        (f"{len(result.forced)}", "forced closes by a venue", "bad" if result.forced else ""),
        (f"{len(result.tickets)}", "tickets a person would have been asked", ""),
        (f"{len(result.plans)} plans", outcomes, ""),
        (state, f"ledger, {result.verification.events:,} events", "good" if result.ok else "bad"),
    ]
    return (
        '<div class="cards">'
        + "".join(
            f'<div class="card"><b class="{tone}">{escape(figure)}</b><span>{escape(what)}</span></div>'
            for figure, what, tone in cards
        )
        + "</div>"
    )


def _worth(beside: Beside) -> Iterable[str]:
    yield "<h2>The automation</h2>"
    yield (
        '<p class="note">The same prices, rule and collateral twice: without it, and with it. All other figures and '
        "plots of this page are those with it.</p>"
    )
    yield _table(("", "without", "with"), beside.rows, numbers=(1, 2))
    if beside.own:
        columns = ("what it did", "plans", "XBT, inverse venue", "XBT, CME", "cost, USD")
        yield _table(columns, beside.own, numbers=(1, 2, 3, 4))
        yield '<p class="note">Cost: fees, and half of the spread between bid and ask.</p>'
    asked = [
        [_time(at), alert.text] for at, alert in beside.watched.alerted if alert.code == "TRANSFER_WANTED"
    ]
    if asked:
        yield f"<details><summary>transfers it asked for ({len(asked)}, reminders among them)</summary>"
        yield _table(("when (UTC)", "what"), asked[:_MOST_ROWS]) + "</details>"
    if beside.watched.sent:
        rows = [
            [f"{one.amount:,f} {one.currency}", one.venue, _time(one.sent_at), _time(one.arrives_at)]
            for one in beside.watched.sent
        ]
        yield "<details><summary>what was brought</summary>"
        yield _table(("", "to", "sent (UTC)", "there"), rows, numbers=(0,)) + "</details>"


def _nearest(low: Low) -> tuple[str, str, str]:
    tone = "bad" if low.figure < _NEAR else ""
    return f"{low.figure:.1f} % away", f"nearest to a liquidation at {low.venue}, {low.at:%F %R}", tone


def _money(result: Replayed) -> Iterable[str]:
    summary = result.summary
    price = result.samples[-1].price
    rows = [(line.name, line.amounts) for line in summary.earned]

    def cells(name: str, amounts: Amounts) -> list[str]:
        worth = amounts.valued(price)
        return [name, f"{amounts.xbt:+,.8f}", f"{amounts.usd:+,.2f}", _usd(worth)]

    table = [cells(name, amounts) for name, amounts in rows]
    table.append(cells("result", summary.result))
    yield "<h2>Where it came from</h2>"
    yield _table(("", "XBT", "USD", f"in USD at {price:,.2f}"), table, numbers=(1, 2, 3), summed=True)
    yield (
        '<p class="note">Every trade is an exchange of XBT for USD: what spreads and the collateral\'s hedge exchanged '
        "is the basis they locked in, in both currencies. The opening wallet's own change of value is not in it: "
        f"{_opening(result)}</p>"
    )
    yield (
        f'<p class="note">Naked after fills: at most {summary.max_naked_delta_xbt:f} XBT, in all '
        f"{summary.naked_xbt_seconds:.3f} XBT·s, longest {summary.longest_naked_seconds:.3f} s. "
        f"{summary.orders} orders, {summary.fills} fills.</p>"
    )


def _opening(result: Replayed) -> str:
    first, last = result.samples[0], result.samples[-1]
    wallet = Decimal(result.options.wallet) / 10**8
    moved = wallet * (last.price - first.price)
    return f"{wallet:,g} XBT went from {first.price:,.2f} to {last.price:,.2f} ({moved:+,.0f} USD)."


def _margins(result: Replayed) -> Iterable[str]:
    yield "<h2>Margin low points</h2>"
    rows = [
        [low.venue, low.what, f"{low.figure:,.4f} {low.unit}", _time(low.at), _price(low.price)]
        for low in result.lows
    ]
    yield _table(("venue", "", "lowest", "when (UTC)", "price"), rows, numbers=(2, 4))
    yield "<h2>Collateral that would have been needed</h2>"
    if not result.needs:
        yield f"<p>None: no account came within {result.options.keep:.0%} of a liquidation.</p>"
    else:
        yield (
            f'<p class="note">Asked for when the price came within {result.options.keep:.0%} of a liquidation; the '
            f"amount carries a further move of {2 * result.options.keep:.0%}. "
            + (
                "Nothing was sent in this replay.</p>"
                if not result.sent
                else "What was sent is reckoned with.</p>"
            )
        )
        rows = [
            [
                need.venue,
                _time(need.since),
                f"{need.price:,.2f}",
                f"{need.first:,.4f} {need.currency}",
                f"{need.worst:,.4f} {need.currency}",
                _time(need.worst_at),
                _NONE if need.until is None else _time(need.until),
            ]
            for need in result.needs
        ]
        columns = ("venue", "since (UTC)", "price", "at first", "at worst", "when", "over")
        yield _table(columns, rows, numbers=(2, 3, 4))
    if result.forced:
        yield "<h2>Closed by force</h2>"
        rows = [
            [
                _time(fill.at),
                str(fill.instrument),
                fill.side,
                f"{fill.quantity:,}",
                f"{fill.price:,.2f}",
                fill.cause,
            ]
            for fill in result.forced
        ]
        yield _table(("when (UTC)", "contract", "side", "contracts", "price", "why"), rows, numbers=(3, 4))


def _plans(result: Replayed) -> Iterable[str]:
    yield "<h2>Plans</h2>"
    results = {plan.plan_id: plan for plan in result.summary.plans}
    rows = []
    for plan in result.plans:
        told = results.get(plan.spec.plan_id)
        pair = None if told is None else told.pair
        rows.append(
            [
                plan.spec.plan_id,
                plan.spec.kind,
                plan.spec.linear.symbol,
                plan.why,
                _time(plan.proposed_at),
                _NONE if plan.ended_at is None else _time(plan.ended_at),
                plan.status + (f": {plan.reason}" if plan.status == "stopped" else ""),
                _NONE if pair is None or pair.quoted is None else f"{pair.quoted:,.2f}",
                _NONE if pair is None or pair.filled is None else f"{pair.filled:,.2f}",
                _NONE if told is None else _usd(told.result.valued(result.samples[-1].price)),
            ]
        )
    columns = ("plan", "", "CME", "why", "proposed (UTC)", "ended", "how", "basis quoted", "filled", "USD")
    yield _table(columns, rows, numbers=(7, 8, 9))
    if result.refused:
        yield f"<details><summary>{len(result.refused)} plans the bot did not take on</summary>"
        yield _bullets(result.refused) + "</details>"


def _tickets(result: Replayed) -> Iterable[str]:
    told = ", ".join(f"{count} {name}" for name, count in sorted(result.decisions.items())) or "none"
    yield f"<h2>Tickets that would have been asked for</h2><p>{len(result.tickets)}: {told}.</p>"
    rows = []
    for asked in result.tickets[:_MOST_ROWS]:
        material = asked.ticket.material
        rows.append(
            [
                asked.ticket.ticket_id,
                _time(asked.ticket.raised_at),
                material.side,
                f"{asked.ticket.contracts:,}",
                str(material.instrument),
                asked.ticket.purpose,
                asked.decision,
                _NONE if asked.decided_at is None else _time(asked.decided_at),
            ]
        )
    more = (
        f"<p>… and {len(result.tickets) - _MOST_ROWS} more: see report.json</p>"
        if len(result.tickets) > _MOST_ROWS
        else ""
    )
    columns = ("ticket", "raised (UTC)", "side", "contracts", "contract", "purpose", "decision", "when")
    yield f"<details><summary>all of them</summary>{_table(columns, rows, numbers=(3,))}{more}</details>"


def _rest(result: Replayed) -> Iterable[str]:
    recording = result.recording
    yield "<h2>What was played</h2>"
    rows = [[name, kind] for name, kind in recording.files]
    yield _table(("file", "holds"), rows)
    yield (
        f"<p>{recording.moments:,} moments from {recording.starts:%F %R} to {recording.ends:%F %R} UTC; "
        f"{len(recording.holes)} holes in which nobody quoted.</p>"
    )
    if recording.holes:
        holes = [f"{start:%F %R} to {end:%F %R}" for start, end in recording.holes[:_MOST_ROWS]]
        yield f"<details><summary>holes (UTC)</summary>{_bullets(holes)}</details>"
    if result.alerts:
        rows = [[code, f"{count}"] for code, count in sorted(result.alerts.items())]
        yield "<h2>Alerts</h2>" + _table(("alert", "times"), rows, numbers=(1,))
    yield f'<p class="note">Ledger head {result.head[:16]}…, {result.verification.events:,} events.</p>'


def _table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    numbers: Sequence[int] = (),
    *,
    summed: bool = False,
) -> str:
    def cell(tag: str, place: int, text: str) -> str:
        kind = ' class="n"' if place in numbers else ' class="wide"' if len(text) > 60 else ""
        return f"<{tag}{kind}>{escape(str(text))}</{tag}>"

    head = "".join(cell("th", place, name) for place, name in enumerate(columns))
    body = "".join(
        ('<tr class="sum">' if summed and number == len(rows) else "<tr>")
        + "".join(cell("td", place, text) for place, text in enumerate(row))
        + "</tr>"
        for number, row in enumerate(rows, 1)
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _bullets(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _span(what: str, since: datetime | None, until: datetime | None) -> str:
    return what if since is None or until is None else f"{what}, {since:%F} to {until:%F}"


def _time(at: datetime) -> str:
    return f"{at:%F %R}"


def _price(price: Decimal) -> str:
    return f"{price:,.2f}"


def _usd(amount: Decimal | None) -> str:
    return _NONE if amount is None else f"{amount:+,.2f}"


def _tone(amount: Decimal) -> str:
    return "good" if amount > 0 else "bad" if amount < 0 else ""
