"""Numbers a person types, and numbers as a person likes to read them."""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

# Nothing in this trade has more digits on either side of the point.
_DIGITS = 15
# A comma only where it groups thousands: 1,5 is meant as one and a half by some.
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")


def number(text: str | Decimal) -> Decimal:
    """Read a plain number; commas may group its thousands. Raises typer.BadParameter."""
    said = str(text).strip()
    try:
        value = Decimal(said.replace(",", "") if _GROUPED.fullmatch(said) else said)
    except InvalidOperation:
        value = Decimal("nan")
    if not value.is_finite() or abs(value.adjusted()) > _DIGITS:
        raise typer.BadParameter(f"{said[:40]!r} is not a number that can be used")
    return value


def positive(text: str | Decimal) -> Decimal:
    """Read a number above zero. Raises typer.BadParameter."""
    value = number(text)
    if value <= 0:
        raise typer.BadParameter(f"must be more than 0, not {text}")
    return value


def amount(text: str | Decimal) -> Decimal:
    """Read a number that may be zero, but not less. Raises typer.BadParameter."""
    value = number(text)
    if value < 0:
        raise typer.BadParameter(f"must not be less than 0, not {text}")
    return value


def whole(least: int, most: int | None = None) -> Callable[[str | int], int]:
    """Return what reads a whole number between two. It raises typer.BadParameter."""

    def read(text: str | int) -> int:
        try:
            value = int(str(text).strip())
        except ValueError as error:
            raise typer.BadParameter(f"{str(text)[:40]!r} is not a whole number") from error
        if value < least or (most is not None and value > most):
            span = f"of at least {least}" if most is None else f"from {least} to {most}"
            raise typer.BadParameter(f"must be a whole number {span}, not {value}")
        return value

    return read


def seconds(least: float, most: float) -> Callable[[str | float], float]:
    """Return what reads a time between two, in seconds or days. It raises typer.BadParameter."""

    def read(text: str | float) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        # Said this way round, what is no number is refused as well.
        if not least <= value <= most:
            raise typer.BadParameter(f"must be a number from {least:g} to {most:,.0f}, not {str(text)[:40]}")
        return value

    return read


class Share(Decimal):
    """A fraction that reads as a percentage: what help shows of an option left out."""

    def __str__(self) -> str:
        return f"{(self * 100).normalize():f}%"


def fraction(text: str | Decimal) -> Decimal:
    """Read ``20%`` or ``0.2``. Raises typer.BadParameter, also for a bare 20: some will mean 20 %, and it is not."""
    said = str(text).strip()
    if said.endswith("%"):
        return number(said.removesuffix("%")) / 100
    value = number(said)
    if abs(value) > 1:
        raise typer.BadParameter(
            f"{said} could be {said} % or {said} times: write {said}%, or a fraction like 0.2"
        )
    return value


def prices(option: str, text: str) -> tuple[Decimal, ...]:
    """Read prices with commas between them. Raises typer.BadParameter."""
    try:
        found = tuple(positive(part) for part in text.split(",") if part.strip())
    except typer.BadParameter as error:
        raise typer.BadParameter(error.message, param_hint=f"'{option}'") from error
    if not found:
        raise typer.BadParameter("wants prices, commas between: 4000,8000", param_hint=f"'{option}'")
    return found


Price = Annotated[Decimal, typer.Option(parser=positive, metavar="USD")]


def usd(value: Decimal) -> str:
    return f"{value:,.2f}".removesuffix(".00")


def xbt(value: Decimal) -> str:
    return f"{value:,.8f}"


def percent(value: Decimal, places: int = 2) -> str:
    """Write a fraction in per cent, with its sign."""
    return f"{value * 100:+,.{places}f} %"


def plain(value: Decimal | None) -> str | None:
    """Write a number for JSON: exact, no exponent."""
    return None if value is None else format(value.normalize() if value else Decimal(0), "f")
