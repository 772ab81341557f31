"""What can become of one HTTP request, by what may be concluded from it.

TransportError
├── NeverSent     no connection was had: nothing left this machine
├── NoAnswer      it may have been received: a timeout, a dropped connection, an answer nobody can read
└── ErrorAnswer   the venue answered with an error of its own
"""

from adapters.bitmex import wire


class TransportError(Exception):
    """Base of the three; ``str(error)`` says what happened."""


class NeverSent(TransportError):
    """The request certainly did not leave."""


class NoAnswer(TransportError):
    """Nothing can be concluded about whether the venue acted."""


class ErrorAnswer(TransportError):
    """An HTTP status of 400 or more with the venue's own ``{"error": {"name", "message"}}``."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(f"{message} (HTTP {status})")
        self.status = status
        self.name = name
        self.message = message


def failure(status: int, body: str) -> NoAnswer | ErrorAnswer:
    """Read an answer whose status is not 2xx.

    Without the venue's error body it is not the engine that answered (a proxy, a load balancer, a redirect),
    so it proves nothing about the engine.
    """
    try:
        error = wire.row(wire.row(wire.decode(body)).get("error"))
        return ErrorAnswer(status, wire.text_or_none(error, "name") or "", wire.text(error, "message"))
    except wire.Malformed:
        return NoAnswer(f"HTTP {status} without the venue's error body: {body[:120]!r}")
