from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from adapters.bitmex import wire
from adapters.bitmex.wire import Malformed


def test_fractions_are_read_exactly() -> None:
    read = wire.row(wire.decode('{"price": 60000.1, "size": 9007199254740993, "rate": 1e-8}'))
    assert wire.price(read, "price") == Decimal("60000.1")
    assert wire.whole(read, "size") == 9007199254740993  # a float would make it even
    assert wire.number(read, "rate") == Decimal("0.00000001")


@pytest.mark.parametrize("text", ["", "<html>", "{", '{"a": NaN}', '{"a": Infinity}', "[" * 100_000])
def test_what_is_not_json_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        wire.decode(text)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("1", wire.whole),
        (True, wire.whole),
        (None, wire.whole),
        (Decimal("1.5"), wire.whole),
        (Decimal("1e1000"), wire.whole),
        (0, wire.price),
        (Decimal("-0.5"), wire.price),
        (Decimal("Infinity"), wire.number),
        (5, wire.text),
        ("", wire.text),
        ("yes", wire.flag),
        ("2026-11-22T03:00:00", wire.moment),
        ("soon", wire.moment),
        (1518064236, wire.moment),
    ],
)
def test_a_field_of_the_wrong_kind_is_malformed(value: object, read: object) -> None:
    assert callable(read)
    with pytest.raises(Malformed):
        read({"field": value}, "field")


def test_a_whole_number_may_be_written_with_a_point() -> None:
    assert wire.whole({"n": Decimal("100.0")}, "n") == 100


def test_decimals_are_written_as_plain_digits() -> None:
    written = wire.encode({"price": Decimal("60000.10"), "small": Decimal("1E-8"), "id": 'a"b', "n": 100})
    assert written == '{"price":60000.10,"small":0.00000001,"id":"a\\"b","n":100}'
    with pytest.raises(TypeError, match="float"):
        wire.encode({"price": 60000.1})


def test_times() -> None:
    assert wire.moment({"t": "2026-11-22T03:00:00.123Z"}, "t") == datetime(2026, 11, 22, 3, 0, 0, 123000, UTC)
    berlin = timezone(timedelta(hours=1))
    assert wire.stamp(datetime(2026, 11, 22, 4, 0, 0, 999_999, berlin)) == "2026-11-22T03:00:00.999Z"
