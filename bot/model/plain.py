"""Dataclasses as plain JSON values, and back, by their annotations: a new field needs no new code.

Dicts become lists of pairs (their keys need not be text, and their order counts), Decimals text, times ISO 8601.
What an annotation does not say cannot be stored: of unions, only those of dataclasses, and with None.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Convert = Callable[[Any], Any]
_MICROSECOND = timedelta(microseconds=1)


class Plain(Generic[T]):
    """How one type is written: ``dump`` to JSON values, ``load`` from them, ``shape`` as text."""

    def __init__(self, dump: Convert, load: Convert, shape: str) -> None:
        self.dump = dump
        self.load: Callable[[Any], T] = load
        self.shape = shape


@cache
def plain(kind: Any) -> Plain[Any]:
    """Return how values of an annotated type are written. Raises TypeError for one that cannot be."""
    simple = _SIMPLE.get(kind)
    if simple is not None:
        return simple
    if isinstance(kind, type) and issubclass(kind, Enum):
        values = ",".join(f"{member.name}={member.value}" for member in kind)
        return Plain(lambda value: value.value, kind, f"{kind.__name__}({values})")
    if isinstance(kind, type) and is_dataclass(kind):
        return _dataclass(kind)
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _optional(kind, parts)
    if origin is tuple:
        return _tuple(parts)
    if origin in (list, set, frozenset):
        return _collection(origin, plain(parts[0]))
    if origin is dict:
        return _pairs(dict, plain(parts[0]), plain(parts[1]))
    if origin is Counter:
        return _pairs(Counter, plain(parts[0]), plain(int))
    raise TypeError(f"values of {kind} cannot be written as plain JSON")


def _same(value: Any) -> Any:
    return value


_SIMPLE: dict[Any, Plain[Any]] = {
    **{kind: Plain(_same, _same, kind.__name__) for kind in (str, int, bool, float, NoneType)},
    Decimal: Plain(str, Decimal, "Decimal"),
    datetime: Plain(datetime.isoformat, datetime.fromisoformat, "datetime"),
    timedelta: Plain(lambda value: value // _MICROSECOND, lambda us: us * _MICROSECOND, "timedelta"),
}


def _dataclass(kind: type) -> Plain[Any]:
    hints = get_type_hints(kind)
    kept = [field for field in fields(kind) if field.metadata.get("stored", True)]
    names = [field.name for field in kept]
    parts = [plain(hints[name]) for name in names]
    takes = [field.init for field in kept]

    def dump(value: Any) -> list[Any]:
        return [part.dump(getattr(value, name)) for name, part in zip(names, parts, strict=True)]

    def load(values: list[Any]) -> Any:
        given = {name: part.load(each) for name, part, each in zip(names, parts, values, strict=True)}
        made = kind(**{name: each for (name, each), init in zip(given.items(), takes, strict=True) if init})
        for (name, each), init in zip(given.items(), takes, strict=True):
            if not init:
                setattr(made, name, each)
        return made

    shape = ", ".join(f"{name}: {part.shape}" for name, part in zip(names, parts, strict=True))
    return Plain(dump, load, f"{kind.__name__}({shape})")


def _optional(kind: Any, parts: tuple[Any, ...]) -> Plain[Any]:
    inner = [part for part in parts if part is not NoneType]
    some = plain(inner[0]) if len(inner) == 1 else _one_of(kind, inner)
    return Plain(
        lambda value: None if value is None else some.dump(value),
        lambda value: None if value is None else some.load(value),
        f"{some.shape}?",
    )


def _one_of(kind: Any, parts: list[Any]) -> Plain[Any]:
    if not all(isinstance(part, type) and is_dataclass(part) for part in parts):
        raise TypeError(f"values of {kind} cannot be told apart once they are written")
    forms = {part.__name__: plain(part) for part in parts}
    return Plain(
        lambda value: [type(value).__name__, forms[type(value).__name__].dump(value)],
        lambda value: forms[value[0]].load(value[1]),
        "|".join(form.shape for form in forms.values()),
    )


def _tuple(parts: tuple[Any, ...]) -> Plain[Any]:
    if len(parts) == 2 and parts[1] is Ellipsis:
        return _collection(tuple, plain(parts[0]))
    each = [plain(part) for part in parts]
    return Plain(
        lambda value: [part.dump(item) for part, item in zip(each, value, strict=True)],
        lambda value: tuple(part.load(item) for part, item in zip(each, value, strict=True)),
        f"({', '.join(part.shape for part in each)})",
    )


def _collection(kind: Any, part: Plain[Any]) -> Plain[Any]:
    def dump(value: Any) -> list[Any]:
        items = [part.dump(item) for item in value]
        return sorted(items, key=repr) if kind in (set, frozenset) else items

    return Plain(dump, lambda value: kind(map(part.load, value)), f"{kind.__name__}[{part.shape}]")


def _pairs(kind: Any, key: Plain[Any], each: Plain[Any]) -> Plain[Any]:
    return Plain(
        lambda value: [[key.dump(name), each.dump(item)] for name, item in value.items()],
        lambda value: kind({key.load(name): each.load(item) for name, item in value}),
        f"{kind.__name__}[{key.shape}: {each.shape}]",
    )
