"""What the broker's message codes mean for an order, a question, or the link.

IB sends warnings, refusals and news alike as an "error" with a number. Only codes known to kill a new order
refuse it here; anything unknown puts the order in doubt, and the broker is asked (ib_async takes every
unknown code for a cancel: with 10349 the "cancelled" order then fills).
"""

from enum import Enum, auto


class Meaning(Enum):
    """INFO: nothing happens to the order. REFUSED: a new order does not exist. CANCELED: provisional.

    DOUBT: ask the open orders.
    """

    INFO = auto()
    REFUSED = auto()
    CANCELED = auto()
    DOUBT = auto()


ORDER_REJECTED = 201
"""The only refusal that may also strike an order already acknowledged."""

ORDER_CANCELED = 202
CLIENT_ID_IN_USE = 326
NO_SUCH_CONTRACT = 200
LINK_LOST = 1100
LINK_BROKEN = 2110
"""What a client that connects while the broker is lost is told in place of 1100."""

RESTORED_DATA_LOST = 1101
RESTORED_DATA_KEPT = 1102
COMPETING_SESSION = 10197

# 399 and 2109: the order is held or a flag is ignored. 404: held. 10349: time in force set by a preset.
_INFO = frozenset({399, 404, 10167, 10349})
_INFO_RANGE = range(2100, 2200)

# All say that the request failed a check at the gateway, the broker or the exchange before it could rest.
# 103: duplicate order id. 104, 105: the id belongs to another order, which stays as it is. 110: off tick.
# 163: outside the percentage band. 203, 460: not allowed. 321: validation (a read-only API among others).
_REFUSED = frozenset(
    {103, 104, 105, 106, 107, 109, 110, 111, 113, 116, 117, 118, 138, 140, 141, 142, 144, 145, 146, 147}
    | {154, 163, 200, 201, 203, 320, 321, 325, 355, 382, 383, 387, 388, 391, 434, 435, 436, 441, 460, 461}
    | {10052, 10268, 10269, 10270, 10318}
)


def meaning_for_order(code: int) -> Meaning:
    if is_warning(code):
        return Meaning.INFO
    if code == ORDER_CANCELED:
        return Meaning.CANCELED
    return Meaning.REFUSED if code in _REFUSED else Meaning.DOUBT


def is_warning(code: int) -> bool:
    """Return whether a code only informs, whatever it is attached to (data farms are 2103 to 2158)."""
    return code in _INFO or code in _INFO_RANGE
