"""Which program this is: the released version, and a digest of the source that tells two states of it apart."""

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as released
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_PACKAGES = ("adapters", "bot", "config", "risk")


@cache
def version() -> str:
    """Return the version, like 0.1.0+1a2b3c4d. It takes some milliseconds, once."""
    try:
        number = released("basisbot")
    except PackageNotFoundError:
        number = "0"
    digest = hashlib.sha256()
    for package in _PACKAGES:
        for path in sorted((_ROOT / package).rglob("*.py")):
            digest.update(str(path.relative_to(_ROOT)).encode())
            digest.update(path.read_bytes())
    return f"{number}+{digest.hexdigest()[:8]}"
