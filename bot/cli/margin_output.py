"""How the accounts stand, and what a move of the price would ask of them, as rows for a terminal."""

from collections.abc import Iterator
from decimal import Decimal

from bot.cli.ahead_output import away
from bot.surfaces.views import View

Row = tuple[str, str]


def rows(ahead: View) -> Iterator[Row]:
    """Yield each account's distance to liquidation, then the nearest fall and rise that would take money."""
    for one in ahead["margin"]:
        if one["leverage"] == "0":
            continue  # nothing is held there
        yield "margin", _stands(one)
        if one["margin_ratio_percent"] is not None:
            yield "", _asks(one)
    if ahead["at_the_open"]:
        yield "at the open", _opens(ahead["at_the_open"])
    if ahead["next_hedges"]:
        yield "next hedges", f"{', '.join(map(_due, ahead['next_hedges']))}, if the collateral is topped up"
    moves = ahead["if_price_moves"]
    if not moves:
        return
    falls = [move for move in reversed(moves) if Decimal(move["percent"]) < 0]
    rises = [move for move in moves if Decimal(move["percent"]) > 0]
    nearest = [next((move for move in way if _wants(move)), None) for way in (falls, rises)]
    for move in nearest:
        if move is not None:
            yield f"at {_signed(move)}", "; ".join(_asked(one) for one in _wants(move))
    if nearest == [None, None]:
        yield "margin", f"nothing would be asked for between {_signed(moves[0])} and {_signed(moves[-1])}"


def _stands(one: View) -> str:
    leverage = f"{one['venue']}  leverage {one['leverage'] or '?'}"
    if one["liquidation"] is None:
        return f"{leverage}, no price liquidates it"
    return f"{leverage}, liquidated at {Decimal(one['liquidation']):,f}, {away(one['distance_percent'])}"


def _due(one: View) -> str:
    """Say where the XBT brought in all comes to one more contract of the linear venue."""
    return f"{one['xbt']} XBT in all at {Decimal(one['price']):,.2f} ({Decimal(one['percent']):+.1f} %)"


def _opens(one: View) -> str:
    """Say what the linear market's open brings as the inverse venue trades now."""
    made = "" if one["result_usd"] is None else f", {Decimal(one['result_usd']):+,.0f} USD since the close"
    return f"near {Decimal(one['price']):,.2f}{made}; {Decimal(one['equity_usd']):,.0f} USD of equity then"


def _asks(one: View) -> str:
    """Say what the venue itself makes of the account."""
    text = (
        f"{one['margin_ratio_percent']} % of equity was held as margin at {one['told_at'][11:16]}Z, "
        f"{_amount(one, one['excess'])} above it"
    )
    announced = one["excess_announced"]
    if announced is not None and announced != one["excess"]:
        text += f", {_amount(one, announced)} from its next change"
    return text


def _wants(move: View) -> list[View]:
    return [one for one in move["accounts"] if Decimal(one["wanted"]) > 0]


def _asked(one: View) -> str:
    verb = "deposit" if one["currency"] == "XBT" else "wire"
    left = "liquidated" if one["distance_percent"] in (None, "0") else away(one["distance_percent"])
    return f"{one['venue']} {left}: {verb} {_amount(one, one['wanted'])}"


def _amount(one: View, text: str) -> str:
    places = 4 if one["currency"] == "XBT" else 0
    return f"{Decimal(text):,.{places}f} {one['currency']}"


def _signed(move: View) -> str:
    return f"{Decimal(move['percent']):+g} %"
