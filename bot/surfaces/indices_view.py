"""Both venues' indices as plain JSON values."""

from decimal import Decimal

from bot.automation.indices import Indices, Reading
from bot.surfaces.views import View, plain

_CENT, _PLACES = Decimal("0.01"), Decimal("0.0001")


def indices_view(seen: Indices) -> View:
    return {
        "text": seen.sentence,
        "inverse": _reading(seen.inverse),
        "linear": _reading(seen.linear),
        "usd": None if seen.apart is None else plain(seen.apart.absolute.quantize(_CENT)),
        "percent": None if seen.apart is None else plain(seen.apart.percent.quantize(_PLACES)),
        "ends": None if seen.ends is None else seen.ends.isoformat(),
        "settlements": [
            {
                "venue": one.venue,
                "index": one.symbol,
                "price": plain(one.price),
                "at": None if one.at is None else one.at.isoformat(),
                "problem": one.note or None,
            }
            for one in seen.settlements
        ],
        "averaging": [
            {
                "instrument": str(one.instrument),
                "ends": one.ends.isoformat(),
                "fixed_percent": plain((one.share * 100).quantize(_CENT)),
            }
            for one in seen.averaging
        ],
    }


def _reading(one: Reading) -> View:
    return {
        "venue": one.venue,
        "index": one.name,
        "price": plain(one.price),
        "problem": one.why or None,
        "stand_in": None if one.stand_in is None else str(one.stand_in),
    }
