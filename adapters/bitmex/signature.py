"""How a request to BitMEX proves who sent it."""

import hashlib
import hmac


def signature(secret: str, verb: str, path: str, expires: int, body: str = "") -> str:
    """Return the hex HMAC-SHA256 of ``verb + path + expires + body``.

    ``path`` is everything after the host, query included; ``expires`` is in seconds of Unix time; ``body`` is
    exactly what is sent.
    """
    message = f"{verb}{path}{expires}{body}".encode()
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
