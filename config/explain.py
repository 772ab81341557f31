"""Turn a validation error into faults a person can act on: key, and what is wrong and allowed."""

from collections.abc import Sequence
from decimal import Decimal
from typing import get_args

from pydantic import BaseModel, ValidationError

from config.place import closest
from config.settings import Settings


def explain(error: ValidationError) -> list[tuple[str, str]]:
    """Return (dotted key, text) for every fault. What might be a secret is not repeated."""
    found = []
    for fault in error.errors(include_url=False, include_context=False):
        path = [part for part in fault["loc"] if isinstance(part, str)]
        key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault["loc"]).lstrip(
            "."
        )
        match fault["type"]:
            case "missing":
                text = "is missing"
            case "extra_forbidden":
                allowed = keys_of(path[:-1])
                text = f"unknown key{closest(path[-1], allowed)}; allowed here: {', '.join(allowed)}"
            case "model_type":
                text = "must be a table"
            case "bool_parsing" | "bool_type":
                text = "must be true or false" + _given(path[-1], fault["input"])
            case _:
                text = _wording(fault["msg"]) + _given(path[-1] if path else "", fault["input"])
        found.append((key, text))
    return found


def keys_of(path: Sequence[str]) -> list[str]:
    """Return the keys a profile may have in the table at ``path``."""
    model: type[BaseModel] = Settings
    for part in path:
        annotation = model.model_fields[part].annotation
        candidates = (annotation, *get_args(annotation))
        model = next(kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel))
    return list(model.model_fields)


def _wording(message: str) -> str:
    message = message.removeprefix("Value error, ")
    for subject in ("Input", "String", "Decimal input", "Tuple"):
        message = message.replace(f"{subject} should ", "must ", 1)
    return message.replace("must be a valid tuple", "must be a list")


def _given(name: str, value: object) -> str:
    if name.startswith(("api_key", "api_secret")) or not isinstance(value, str | int | float | Decimal):
        return ""
    shown = str(value) if isinstance(value, Decimal) else repr(value)
    if isinstance(value, bool):
        shown = shown.lower()
    if "@" in shown:  # an address with a password in it
        return ""
    return f", not {shown if len(shown) <= 80 else shown[:77] + '...'}"
