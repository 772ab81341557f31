"""The simulated BitMEX: who may ask what."""

from datetime import UTC, datetime

import pytest

from adapters.simulator.bitmex.auth import Permission
from tests import patient
from tests.integration.bitmex_server_client import API, KEY, SECRET, HandClock, rig, sign

# The venue's own examples: verb, path, expires, body, signature.
GOLDEN = [
    (
        "GET",
        "/api/v1/instrument",
        "1518064236",
        "",
        "c7682d435d0cfe87c16098df34ef2eb5a549d4c5a3c2b1f0f77b8af73423bf00",
    ),
    (
        "GET",
        "/api/v1/instrument?filter=%7B%22symbol%22%3A+%22XBTM15%22%7D",
        "1518064237",
        "",
        "e2f422547eecb5b3cb29ade2127e21b858b235b386bfa45e1c1756eb3383919f",
    ),
    (
        "POST",
        "/api/v1/order",
        "1518064238",
        '{"symbol":"XBTM15","price":219.0,"clOrdID":"mm_bitmex_1a/oemUeQ4CAJZgP3fjHsA","orderQty":98}',
        "1749cd2ccae4aa49048ae09f0b95110cee706e0944e6a14ad0b3a8cb45bd336b",
    ),
]


@pytest.mark.parametrize(("verb", "path", "expires", "body", "signature"), GOLDEN)
def test_the_venues_own_examples_are_let_in(
    verb: str, path: str, expires: str, body: str, signature: str
) -> None:
    async def main() -> None:
        clock = HandClock(datetime.fromtimestamp(1518064230, UTC))
        async with rig(clock) as r:
            headers = {"api_expires": expires, "api_signature": signature}
            answer = await r.client.call(verb, path.removeprefix(API), body or None, **headers)
            # The third example's contract is long gone: past the signature, the engine knows no XBTM15.
            assert answer.status == (200 if verb == "GET" else 400)
            if verb == "POST":
                assert answer.error == "Invalid symbol"
            last = "0" if signature[-1] != "0" else "1"
            wrong = await r.client.call(
                verb,
                path.removeprefix(API),
                body or None,
                api_expires=expires,
                api_signature=signature[:-1] + last,
            )
            assert wrong.status == 401
            assert wrong.body == {"error": {"message": "Signature not valid.", "name": "HTTPError"}}

    patient.run(main())


def test_what_the_signature_covers() -> None:
    async def main() -> None:
        async with rig() as r:
            client = r.client
            expires = client.expires()
            for altered in (
                sign(SECRET, "POST", API + "/user/margin", expires),
                sign(SECRET, "GET", API + "/user/margin?currency=XBt", expires),
                sign(SECRET, "GET", API + "/user/margin", str(int(expires) + 1)),
                sign(SECRET, "GET", API + "/user/margin", expires, "{}"),
                sign(SECRET + "x", "GET", API + "/user/margin", expires),
                "",
                "é",
            ):
                answer = await client.call("GET", "/user/margin", api_expires=expires, api_signature=altered)
                assert (answer.status, answer.error) == (401, "Signature not valid.")
            right = sign(SECRET, "GET", API + "/user/margin", expires).upper()
            answer = await client.call("GET", "/user/margin", api_expires=expires, api_signature=right)
            assert answer.status == 200

    patient.run(main())


def test_a_request_expires() -> None:
    async def main() -> None:
        clock = HandClock(datetime.fromtimestamp(1_700_000_000, UTC))
        async with rig(clock) as r:
            for expires, status in (("1700000001", 200), ("1700000000", 400), ("1699999999", 400)):
                signed = sign(SECRET, "GET", API + "/position", expires)
                answer = await r.client.call("GET", "/position", api_expires=expires, api_signature=signed)
                assert answer.status == status
                if status == 400:
                    assert answer.error == (
                        "This request has expired - `expires` is in the past. Current time: 1700000000"
                    )
            no_number = await r.client.call("GET", "/position", api_expires="soon")
            assert no_number.status == 401

    patient.run(main())


def test_unknown_keys_and_unsigned_requests() -> None:
    async def main() -> None:
        async with rig() as r:
            answer = await r.client.call("GET", "/position", api_key="x" * 24)
            assert answer.status == 401
            assert answer.body == {"error": {"message": "Invalid API Key.", "name": "HTTPError"}}
            private = await r.client.unsigned("GET", "/position")
            assert (private.status, private.error) == (401, "Authorization Required")
            public = await r.client.unsigned("GET", "/instrument?symbol=XBTUSD")
            assert public.status == 200
            nowhere = await r.client.unsigned("GET", "/nothing")
            assert (nowhere.status, nowhere.body["error"]["message"]) == (404, "Not Found")

    patient.run(main())


def test_a_key_shows_and_is_held_to_its_permissions() -> None:
    async def main() -> None:
        async with rig() as r:
            keys = await r.client.get("/apiKey")
            assert [(key["id"], key["permissions"], key["enabled"]) for key in keys] == [
                (KEY, ["order"], True)
            ]
            assert SECRET not in str(keys)
        async with rig(permissions=(Permission.ORDER, Permission.WITHDRAW)) as r:
            assert (await r.client.get("/apiKey"))[0]["permissions"] == ["order", "withdraw"]
        async with rig(permissions=()) as r:
            assert (await r.client.get("/position")) == []
            refused = await r.client.order()
            assert (refused.status, refused.error) == (403, "Access Denied")
            assert r.exchange.orders("client") == []
        async with rig(permissions=(Permission.ORDER_CANCEL,)) as r:
            assert (await r.client.order()).status == 403
            assert (await r.client.call("DELETE", "/order/all")).status == 200
            assert (await r.client.call("POST", "/order/cancelAllAfter", {"timeout": 0})).status == 200

    patient.run(main())
