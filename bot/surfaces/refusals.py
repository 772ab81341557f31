"""A refused command, in a sentence a person can act on."""

from risk.approval import Denied

_WORDS = {
    "PLAN_REFUSED": "{limit}",
    "TRADING_STATE": "trading is {given}, which does not allow to {limit} (see: docs/trading-states.md)",
    "EXIT_REFUSED": "{limit}",
    "PLAN_UNKNOWN": "there is no plan {given} (see: basisbot plan list)",
    "PLAN_CLOSED": "plan {given} already",
    "ADOPT_NOTHING": "{given}: there is nothing to adopt",
    "ADOPT_ALTERED": "what differs now has hash {limit}, not {given}: look at it again (basisbot reconcile)",
    "ADOPT_MOVED": "the ledger has moved meanwhile ({limit}, now {given}): look at it again (basisbot reconcile)",
    "ADOPT_UNDER_WAY": "{given} at {limit} may still tell of fills: wait a minute, look again (basisbot reconcile)",
    "ADOPT_PRICE": "adopting a position here takes a price, and there is no quote: {limit} is needed",
    "NOT_RECONCILED": "ledger and venues must agree first: {given} (see: basisbot reconcile)",
    "TRANSFER_NONE": "there is no transfer {given} (see: basisbot transfer list --all)",
    "TRANSFER_CLOSED": "transfer {given} already",
    "TRANSFER_REFUSED": "{limit}",
    "STANDING_REFUSED": "{limit}",
    "STANDING_TOO_WIDE": "too wide for this profile: {given}; {limit}",
    "STANDING_ENDED": "a standing approval needs {limit}, and it is {given}",
    "STANDING_REPEATED": "there has been a standing approval {given} already: nothing was recorded",
    "STANDING_ALTERED": "what would be recorded has hash {limit}, shown was {given}: look at it again",
    "STANDING_UNKNOWN": "there is no standing approval {given} (see: basisbot standing list --all)",
    "STANDING_CLOSED": "standing approval {given} already",
    "TICKET_UNKNOWN": "there is no ticket {given} (see: basisbot tickets)",
    "TICKET_CLOSED": "ticket {given}, and waits for nobody",
    "TICKET_EXPIRED": "too late: {limit}, and it is {given}",
    "TICKET_STALE": "nothing is approved on old prices: it takes {limit}, and it is {given} (see: basisbot status)",
    "TICKET_ALTERED": "the ticket's hash is {limit}, not {given}: look at it again (basisbot tickets)",
}


def sentence(denied: Denied) -> str:
    """Return the code, and what was wrong with what was given."""
    words = _WORDS.get(denied.code)
    return (
        str(denied)
        if words is None
        else f"{denied.code}: " + words.format(limit=denied.limit, given=denied.given)
    )
