"""Views as a bot's answers give them."""

from typing import Any

NOTHING_AHEAD: dict[str, Any] = {
    "indices": None,
    "to_do": [],
    "deadlines": [],
    "margin": [],
    "at_the_open": None,
    "if_price_moves": [],
    "next_hedges": [],
    "holding": None,
}
