"""What a login at the broker gets of the reference indices."""

from enum import StrEnum


class IndexService(StrEnum):
    """Data, contracts without a subscription to data (354), or not even a listing (200)."""

    LIVE = "live"
    UNSUBSCRIBED = "unsubscribed"
    UNLISTED = "unlisted"
