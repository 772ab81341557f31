from typing import Any

import pytest

from adapters.bitmex.settings import BitmexSettings


def settings(**changes: Any) -> BitmexSettings:
    given: dict[str, Any] = {
        "base_url": "http://127.0.0.1:1",
        "ws_url": "ws://127.0.0.1:1/realtime",
        "api_key": "key-id",
        "api_secret": "hush-hush",
    }
    return BitmexSettings(**(given | changes))


def test_the_secret_is_not_shown() -> None:
    assert "hush" not in repr(settings())
    assert "hush" not in str(settings())


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "127.0.0.1:1"},
        {"base_url": "https://testnet.bitmex.com/api/v1"},
        {"ws_url": "http://127.0.0.1:1/realtime"},
        {"api_key": ""},
        {"api_secret": ""},
        {"request_timeout": 0},
        {"attempts": 0},
        {"order_wait": -1},
        {"orders_per_second": 2, "kept_for_cancels": 2},
        {"requests_per_minute": 22, "kept_for_cancels": 2, "kept_for_orders": 20},
    ],
)
def test_what_cannot_work_is_refused_at_birth(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must|leave"):
        settings(**wrong)
