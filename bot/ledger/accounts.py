"""The names of the journal's accounts (what each is for: see ``journal``)."""

from risk.instruments import InstrumentId

CASH = "cash"
TRANSIT = "assets:transit"
SPOT_ACCOUNT = "assets:spot"
EXCHANGE = "equity:exchange"
OPENING = "equity:opening"
DEPOSITS = "equity:deposits"
ADJUSTMENTS = "equity:adjustments"


def cash_account(venue: str) -> str:
    return f"assets:{venue}:{CASH}"


def position_account(instrument: InstrumentId) -> str:
    return f"assets:{instrument.venue}:{instrument.symbol}"


def fees_account(venue: str) -> str:
    return f"expenses:fees:{venue}"


def funding_account(venue: str) -> str:
    return f"income:funding:{venue}"


def settlement_account(venue: str) -> str:
    return f"income:settlement:{venue}"
