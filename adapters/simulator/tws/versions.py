"""What differs between server versions; the only place that knows a version number.

A gate's value is the first version that carries the field.
"""

from enum import IntEnum

OLDEST = 157
NEWEST = 178


class Gate(IntEnum):
    DURATION = 158
    POST_TO_ATS = 160
    AUTO_CANCEL_PARENT = 162
    SIZE_MIN_TICK = 163
    SIZE_RULES = 164
    ADVANCED_REJECT = 166
    MANUAL_ORDER_TIME = 169
    PEG_OFFSETS = 170
    INSTRUMENT_TIMEZONE = 174
    ISSUER_ID = 176
    NO_FA_PROFILE = 177
    PENDING_PRICE_REVISION = 178


class UnsupportedVersion(Exception):
    """The client and this server have no version in common."""


def negotiate(offer: str, newest: int = NEWEST) -> int:
    """Return the version to speak with a client that offers ``v100..178`` or ``v178``, options behind it.

    Raises UnsupportedVersion.
    """
    versions = offer.split(" ", 1)[0]
    low, dots, high = versions.removeprefix("v").partition("..")
    high = high if dots else low
    if not versions.startswith("v") or not (low.isdecimal() and high.isdecimal()):
        raise UnsupportedVersion(f"not an offer of versions: {offer[:40]!r}")
    version = min(int(high), newest)
    if version < max(int(low), OLDEST):
        raise UnsupportedVersion(f"the client speaks {low} to {high}, this server {OLDEST} to {newest}")
    return version
