"""Which way round the spread is held."""

from enum import StrEnum

from risk.orders import Side


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
