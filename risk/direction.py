"""Which way round the spread is held."""

from enum import StrEnum

from risk.orders import Side
from risk.terms import Kind


class Action(StrEnum):
    """OPEN makes the spread larger, CLOSE smaller."""

    OPEN = "open"
    CLOSE = "close"


class Direction(StrEnum):
    """LONG_INVERSE: long the inverse venue, short the linear one. SHORT_INVERSE: the other way round."""

    LONG_INVERSE = "long-inverse"
    SHORT_INVERSE = "short-inverse"

    @property
    def inverse_side(self) -> Side:
        """The inverse leg's side when opening."""
        return Side.BUY if self is Direction.LONG_INVERSE else Side.SELL

    @property
    def linear_side(self) -> Side:
        """The linear leg's side when opening."""
        return self.inverse_side.opposite

    def side(self, kind: Kind, action: Action) -> Side:
        """Return the side on which the leg of this ``kind`` trades when the spread is opened or closed."""
        opening = self.inverse_side if kind is Kind.INVERSE else self.linear_side
        return opening if action is Action.OPEN else opening.opposite
