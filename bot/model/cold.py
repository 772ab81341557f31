"""Collections that forget nothing and stay small: what is old lies on the disk, and its key is known by a digest.

They are dicts and sets to whoever uses them. ``rest`` sends entries away; an entry asked for afterwards comes back by
itself. A digest has 128 bits: two keys that share one will not be met.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from functools import cache
from hashlib import blake2b
from itertools import islice
from typing import Any, Protocol, TypeVar, get_args, get_origin, get_type_hints

from bot.model.plain import Plain, plain

K = TypeVar("K")
V = TypeVar("V")

_SIZE = 16


class Shelf(Protocol):
    """Where resting entries lie, by the collection's name and the key's text."""

    def load(self, name: str, key: str) -> str | None: ...


class NoShelf:
    """For what never rests anything."""

    def load(self, name: str, key: str) -> str | None:
        return None


def text_of(key: object) -> str:
    """Return a key as text: itself, or of a tuple of texts each with its length before it."""
    return "".join(f"{len(part)}:{part}" for part in key) if isinstance(key, tuple) else str(key)


def digest_of(key: object) -> bytes:
    return blake2b(text_of(key).encode(), digest_size=_SIZE).digest()


class Digests:
    """A set of digests at 16 bytes each: 256 sorted runs by the first byte, searched by halves."""

    def __init__(self) -> None:
        self._parts = [bytearray() for _ in range(256)]
        self._count = 0
        self.fresh = bytearray()
        """What was added since this was last emptied by whoever writes it down; ``shrunk``: something went, too."""
        self.shrunk = False

    def __len__(self) -> int:
        return self._count

    def __contains__(self, digest: bytes) -> bool:
        part = self._parts[digest[0]]
        place = _place(part, digest)
        return part[place : place + _SIZE] == digest

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Digests) and self._parts == other._parts

    __hash__ = None  # type: ignore[assignment]

    def add(self, digest: bytes) -> None:
        part = self._parts[digest[0]]
        place = _place(part, digest)
        if part[place : place + _SIZE] != digest:
            part[place:place] = digest
            self.fresh += digest
            self._count += 1

    def remove(self, digest: bytes) -> None:
        part = self._parts[digest[0]]
        place = _place(part, digest)
        if part[place : place + _SIZE] == digest:
            del part[place : place + _SIZE]
            self._count -= 1
            self.shrunk = True

    def sorted(self) -> bytes:
        """Return all of them, in order."""
        return b"".join(self._parts)

    def take_sorted(self, run: bytes) -> None:
        """Fill an empty set with what ``sorted`` returned. Raises ValueError."""
        start = 0
        for first in range(256):
            end = _end_of(run, start, first)
            self._parts[first] = bytearray(run[start:end])
            start = end
        if start != len(run) or len(run) % _SIZE:
            raise ValueError("the digests are not in order")
        self._count = len(run) // _SIZE

    def take(self, run: bytes) -> None:
        """Add digests that are written down already."""
        for start in range(0, len(run), _SIZE):
            self.add(run[start : start + _SIZE])
        self.fresh.clear()

    def copy(self) -> "Digests":
        made = Digests()
        made._parts = [bytearray(part) for part in self._parts]
        made._count = self._count
        return made


def _place(part: bytes | bytearray, digest: bytes) -> int:
    low, high = 0, len(part) // _SIZE
    while low < high:
        middle = (low + high) // 2
        if part[middle * _SIZE : (middle + 1) * _SIZE] < digest:
            low = middle + 1
        else:
            high = middle
    return low * _SIZE


def _end_of(run: bytes, start: int, first: int) -> int:
    low, high = start // _SIZE, len(run) // _SIZE
    while low < high:
        middle = (low + high) // 2
        if run[middle * _SIZE] <= first:
            low = middle + 1
        else:
            high = middle
    return low * _SIZE


def _with(resting: Digests, awake: Iterable[object]) -> Digests:
    every = resting.copy()
    for key in awake:
        every.add(digest_of(key))
    return every


class ColdDict(dict[K, V]):
    """A dict that fetches what rests. To run over it, or to count it, is to look at what is awake.

    ``on_fetching`` is told each value that is fetched, ``on_waking`` that one has come back.
    """

    def __init__(
        self,
        name: str,
        awake: dict[K, V],
        form: Plain[V],
        on_fetching: Callable[[V], None] | None = None,
        on_waking: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(awake)
        self.name = name
        self.form = form
        self.shelf: Shelf = NoShelf()
        self.resting = Digests()
        self._on_fetching = on_fetching
        self._on_waking = on_waking

    def __missing__(self, key: K) -> V:
        value = self.peek(key)
        if value is None:
            raise KeyError(key)
        self[key] = value
        if self._on_waking is not None:
            self._on_waking()
        return value

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or digest_of(key) in self.resting

    def get(self, key: K, default: Any = None) -> Any:
        try:
            return self[key]
        except KeyError:
            return default

    def setdefault(self, key: K, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def __delitem__(self, key: K) -> None:
        if key not in self:
            raise KeyError(key)
        super().pop(key, None)
        self.resting.remove(digest_of(key))

    def pop(self, key: K, *default: Any) -> Any:
        if default and key not in self:
            return default[0]
        value = self[key]
        del self[key]
        return value

    def peek(self, key: K) -> V | None:
        """Return an entry, and leave it where it is; None where there is none. Raises LookupError."""
        if super().__contains__(key):
            return super().__getitem__(key)
        return self.fetch(text_of(key)) if self.rests(key) else None

    def is_awake(self, key: object) -> bool:
        return super().__contains__(key)

    def rests(self, key: object) -> bool:
        """Say whether a key is not awake, and known."""
        return not super().__contains__(key) and bool(self.resting) and digest_of(key) in self.resting

    def fetch(self, key: str) -> V:
        """Return what rests under the text of a key. Raises LookupError."""
        stored = self.shelf.load(self.name, key)
        if stored is None:
            raise LookupError(f"{self.name} {key} was put aside and is not found again")
        value = self.form.load(json.loads(stored))
        if self._on_fetching is not None:
            self._on_fetching(value)
        return value

    def every_key(self) -> Digests:
        """Return the digests of all keys, awake and resting."""
        return _with(self.resting, self)

    def rest(self, keys: Iterable[K]) -> Iterator[tuple[str, str]]:
        """Send entries to rest; give each, as key and value in text, to whoever keeps the shelf."""
        for key in keys:
            value = super().pop(key)
            self.resting.add(digest_of(key))
            yield text_of(key), json.dumps(self.form.dump(value), separators=(",", ":"))


class ColdSet(set[K]):
    """A set that remembers of old members only that they are in it."""

    def __init__(self, name: str, awake: Iterable[K]) -> None:
        super().__init__(awake)
        self.name = name
        self.resting = Digests()

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or digest_of(key) in self.resting

    def every_key(self) -> Digests:
        """Return the digests of all members, awake and resting."""
        return _with(self.resting, self)

    def discard(self, key: object) -> None:
        super().discard(key)
        self.resting.remove(digest_of(key))

    def remove(self, key: K) -> None:
        if key not in self:
            raise KeyError(key)
        self.discard(key)

    def rest(self) -> None:
        """Send every member to rest."""
        for key in self:
            self.resting.add(digest_of(key))
        self.clear()


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def cool(
    of: Any, *names: str, prefix: str = "", **hooks: tuple[Callable[[Any], None], Callable[[], None]]
) -> None:
    """Turn dict and set fields of a dataclass into cold ones, by their annotations. ``hooks``: of a dict's entries,
    ``on_fetching`` and ``on_waking``."""
    owner: Any = type(of)
    hints = _hints(owner)
    for name in names:
        kind, known_as = hints[name], prefix + name.lstrip("_")
        if get_origin(kind) is dict:
            form = plain(get_args(kind)[1])
            setattr(of, name, ColdDict(known_as, getattr(of, name), form, *hooks.get(name, ())))
        else:
            setattr(of, name, ColdSet(known_as, getattr(of, name)))


def rest_old(part: ColdDict[Any, Any] | ColdSet[Any], most: int) -> Iterator[tuple[str, str, str]]:
    """Send all but the latest ``most`` entries of a dict to rest, every member of a set; give what goes on a shelf, as
    name, key and value."""
    if isinstance(part, ColdSet):
        part.rest()
        return
    for key, value in part.rest(list(islice(part, max(len(part) - most, 0)))):
        yield part.name, key, value


def cold_parts(of: Any) -> dict[str, ColdDict[Any, Any] | ColdSet[Any]]:
    """Return the fields of a dataclass that are such collections, by the collections' names."""
    values = (getattr(of, each.name) for each in fields(of))
    return {value.name: value for value in values if isinstance(value, ColdDict | ColdSet)}
