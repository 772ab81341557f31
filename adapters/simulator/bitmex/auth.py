"""Who is asking: the venue's API key, its rights, and the signature on every request."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from adapters.simulator.bitmex.errors import ApiError


class Permission(StrEnum):
    """What a key may do beyond reading. The venue sells ``order`` and ``orderCancel`` as alternatives."""

    ORDER = "order"
    ORDER_CANCEL = "orderCancel"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key of the simulated account."""

    id: str
    secret: str
    permissions: tuple[Permission, ...]

    def may(self, permission: Permission) -> bool:
        if permission is Permission.ORDER_CANCEL:
            return bool({Permission.ORDER, Permission.ORDER_CANCEL} & set(self.permissions))
        return permission in self.permissions


def signature(secret: str, verb: str, path: str, expires: str, body: bytes = b"") -> str:
    """Return hex(HMAC-SHA256(secret, verb + path + expires + body)); ``path`` includes the query string."""
    message = f"{verb}{path}{expires}".encode() + body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def check_signature(
    key: ApiKey, *, key_id: str, signed: str, verb: str, path: str, expires: str, body: bytes, now: datetime
) -> None:
    """Raise ApiError unless ``signed`` is this key's signature of the request and has not expired.

    Upper-case hex is as good as lower-case, as at the venue.
    """
    if not hmac.compare_digest(key_id.encode(), key.id.encode()):
        raise ApiError(401, "Invalid API Key.")
    if not expires.isascii() or not expires.isdigit():
        raise ApiError(401, "Signature not valid.")
    now_s = int(now.timestamp())
    if int(expires) <= now_s:
        raise ApiError(400, f"This request has expired - `expires` is in the past. Current time: {now_s}")
    right = signature(key.secret, verb, path, expires, body)
    if not hmac.compare_digest(signed.lower().encode(), right.encode()):
        raise ApiError(401, "Signature not valid.")


def authenticate(
    key: ApiKey, headers: Mapping[str, str], verb: str, path: str, body: bytes, now: datetime
) -> bool:
    """Return whether the request is signed; raise ApiError if it is signed wrongly."""
    key_id = headers.get("api-key")
    signed = headers.get("api-signature")
    if key_id is None and signed is None:
        return False
    if "api-nonce" in headers:
        raise ApiError(401, "api-nonce is not supported: send api-expires.")
    check_signature(
        key,
        key_id=key_id or "",
        signed=signed or "",
        verb=verb,
        path=path,
        expires=headers.get("api-expires", ""),
        body=body,
        now=now,
    )
    return True
