"""What is left of a basis, by hand: 10,000/10,005 at the linear venue, 7,990/8,000 at the inverse one."""

from datetime import timedelta
from decimal import Decimal

import pytest

from risk.carry import Rates, carry
from risk.direction import Direction
from tests.unit.risk.test_basis import INVERSE, LINEAR, NOW, quote

# 0.05 % a side; a dollar for each contract of 0.1 XBT.
RATES = Rates(inverse=Decimal("0.0005"), linear=Decimal(10))


def test_long_inverse_takes_the_basis_in() -> None:
    found = carry(Direction.LONG_INVERSE, LINEAR, INVERSE, RATES)
    assert found is not None
    assert found.received == 2_000
    assert found.fees_in == 14  # 4 on 8,000 and 10
    assert found.fees_out == Decimal("13.995")  # 3.995 on 7,990 and 10
    assert found.crossing_out == Decimal("7.5")  # half of 5 and half of 10
    assert found.net == Decimal("1964.505")
    assert found.percent == Decimal("24.5563125")
    # A fifth of a year: five times as much.
    assert found.annualised(NOW, NOW + timedelta(days=73)) == Decimal("122.7815625")
    with pytest.raises(ValueError, match="no time is left"):
        found.annualised(NOW, NOW)


def test_short_inverse_pays_it() -> None:
    found = carry(Direction.SHORT_INVERSE, LINEAR, INVERSE, RATES)
    assert found is not None
    assert found.received == -2_015
    assert found.fees_in == Decimal("13.995")
    assert found.fees_out == 14
    assert found.crossing_out == Decimal("7.5")
    assert found.net == Decimal("-2050.495")


def test_an_empty_side_leaves_nothing_to_say() -> None:
    for one_sided in (quote("linear", None, 10_005), quote("linear", 10_000, None)):
        assert carry(Direction.LONG_INVERSE, one_sided, INVERSE, RATES) is None
