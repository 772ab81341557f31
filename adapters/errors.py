"""What can go wrong at a venue, named by what the caller may conclude.

    VenueError
    ├── Refused          the venue, or our own adapter before sending, said no: the order does not exist
    │   └── Throttled    refused for its rate alone: the same request may be sent again later
    ├── NotSent          certainly never reached the venue (not connected, encoding failed)
    ├── OutcomeUnknown   may or may not have happened: ask, never assume, never re-send
    ├── Unreachable      a question (not an order) got no answer
    └── Misconfigured    wrong keys, rights, contract or address: needs a person

Every error carries the venue's name, what was being attempted, and the venue's own words.
"""


class VenueError(Exception):
    """Base of all venue errors. ``str(error)`` is one line fit for a person."""

    def __init__(self, venue: str, attempted: str, detail: str, *, code: str = "") -> None:
        super().__init__(f"{venue}: {attempted}: {detail}" + (f" [{code}]" if code else ""))
        self.venue = venue
        self.attempted = attempted
        self.detail = detail
        self.code = code


class Refused(VenueError):
    """The venue refused; nothing happened there."""


class Throttled(Refused):
    """The venue refused because of its rate limit; nothing happened there."""


class NotSent(VenueError):
    """The request certainly never reached the venue."""


class OutcomeUnknown(VenueError):
    """A timeout, a dropped link or a 5xx: the order may exist. Ask by client order id."""


class Unreachable(VenueError):
    """A question got no answer. A failed query is not an empty answer."""


class Misconfigured(VenueError):
    """Keys, rights, contract or address are wrong; a person has to mend it."""
