"""The prices of a simulated life: a seeded walk for both venues, with jumps, and books that thin out."""

from decimal import Decimal
from random import Random

from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.exchange.views import BookLevel

MILLION = 1_000_000
_DEEP = (400_000, 60)  # contracts a level: about 5 XBT and 6 XBT


class Market:
    """``prices``: cents. Every step moves the index of both venues and sets both books anew."""

    def __init__(self, exchanges: tuple[Exchange, Exchange], seed: int, speed: int) -> None:
        self._exchanges = exchanges
        self._symbols = tuple(exchange.specs()[0].symbol for exchange in exchanges)
        self._random = Random(f"market:{seed}")
        self._speed = speed
        self.prices = [8_000_000, 8_070_000]
        self.thin = [False, False]

    @property
    def basis(self) -> Decimal:
        """USD per XBT."""
        return Decimal(self.prices[1] - self.prices[0]) / 100

    def step(self) -> None:
        both = self._random.randint(-self._speed, self._speed)
        for side in (0, 1):
            own = self._random.randint(-self._speed, self._speed) // 4
            self.prices[side] += self.prices[side] * (both + own) // MILLION
            self.tell(side)
        for exchange in self._exchanges:
            exchange.step()

    def jump(self, side: int, ppm: int) -> None:
        """Let one venue's price jump; the next step tells it."""
        self.prices[side] += self.prices[side] * ppm // MILLION

    def calm(self) -> None:
        """From now on prices hardly move, and the books are deep."""
        self._speed = 10
        self.thin = [False, False]

    def tell(self, side: int) -> None:
        exchange, symbol = self._exchanges[side], self._symbols[side]
        spec = exchange.spec(symbol)
        price = self.prices[side]
        bid = price // spec.tick * spec.tick
        levels = []
        for sign, best in ((-1, bid), (1, bid + spec.tick)):
            levels.append(
                [
                    BookLevel(best + sign * number * spec.tick * (3 if side == 0 else 1), self._depth(side))
                    for number in range(4)
                ]
            )
        exchange.set_market(symbol, price, *levels)

    def _depth(self, side: int) -> int:
        lot = self._exchanges[side].spec(self._symbols[side]).lot
        most = _DEEP[side] // (40 if self.thin[side] else 1) // lot
        return max(self._random.randint(most // 2, most), 1) * lot
