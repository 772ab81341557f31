"""Signed HTTP to BitMEX on ccxt's base class: one call, one request on the wire, never a second.

ccxt carries no BitMEX any more, so the endpoints and the signature are described here. Only its transport is
used: rates are counted in ``budget``, answers are read in ``wire``. Importing this module imports ccxt (most
of a second), so ``venue`` does it when it connects.
"""

import logging
import os
import ssl
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import certifi
from ccxt.async_support.base.exchange import Exchange

from adapters.bitmex import wire
from adapters.bitmex.answers import NeverSent, NoAnswer, TransportError, failure
from adapters.bitmex.endpoints import API_ROOT, Endpoint
from adapters.bitmex.settings import BitmexSettings
from adapters.bitmex.signature import signature
from adapters.clock import Clock

KEEP_ALIVE = 60.0  # seconds; BitMEX closes an idle connection after 90, and a request into that is lost

HeadersSeen = Callable[[Mapping[str, str], datetime], None]
"""Takes an answer's headers (names in lower case), and when its request was begun."""


def _said(cause: BaseException) -> str:
    if isinstance(cause, aiohttp.ClientConnectorError):
        why = os.strerror(cause.errno) if cause.errno and cause.errno > 0 else str(cause.os_error)
        return f"no connection to {cause.host}:{cause.port}: {why}"
    return f"{type(cause).__name__}: {cause}".rstrip(": ")


class Transport:
    """One HTTP session and its connections, shared with the websocket. Made on a running loop."""

    def __init__(self, settings: BitmexSettings, clock: Clock, headers_seen: HeadersSeen) -> None:
        self.session = _session(settings)
        self._clock = clock
        self._client = _Client(settings, clock, headers_seen, self.session)

    async def call(self, endpoint: Endpoint, fields: Mapping[str, object]) -> object:
        """Send one request, once; return the answer's JSON. Raises NeverSent, NoAnswer or ErrorAnswer."""
        trip = _Trip(self._clock.now())
        reset = _TRIP.set(trip)
        try:
            answer = await self._client.request(endpoint.path, "private", endpoint.verb, fields)
        except TransportError:
            raise
        except Exception as error:
            # What an order came to must not depend on which exception a library chose for it.
            detail = _said(error.__cause__ or error)
            raise (NoAnswer(detail) if trip.may_be_sent else NeverSent(detail)) from error
        finally:
            _TRIP.reset(reset)
        if not isinstance(answer, dict | list):
            raise NoAnswer(f"an answer that cannot be read: {str(answer)[:120]!r}")
        return answer

    async def close(self) -> None:
        await self._client.close()
        await self.session.close()


class _Trip:
    """Whether a request had a connection: before that nothing of it can have left."""

    def __init__(self, began: datetime) -> None:
        self.began = began
        self.may_be_sent = False


_TRIP: ContextVar[_Trip | None] = ContextVar("bitmex_trip", default=None)


async def _has_connection(session: object, context: SimpleNamespace, params: object) -> None:
    trip = _TRIP.get()
    if trip is not None:
        trip.may_be_sent = True


class _Dropped(aiohttp.ClientConnectionError):
    """A connection that broke under a request; of a kind aiohttp does not send again by itself."""


class _Redirected(aiohttp.ClientError):
    """The venue never redirects; whoever does is not given a signed order."""


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from repeating a request: it re-sends GET, PUT and DELETE into a fresh connection when a
    kept-alive one drops, and a POST where a redirect points."""
    try:
        response = await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _Dropped(str(error) or type(error).__name__) from error
    if 300 <= response.status < 400:
        response.close()
        raise _Redirected(f"HTTP {response.status} to {response.headers.get('Location', 'nowhere')}")
    return response


def _session(settings: BitmexSettings) -> aiohttp.ClientSession:
    traces = aiohttp.TraceConfig()
    traces.on_connection_create_end.append(_has_connection)
    traces.on_connection_reuseconn.append(_has_connection)
    encryption = ssl.create_default_context(cafile=certifi.where()) if settings.is_encrypted else True
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=encryption, keepalive_timeout=KEEP_ALIVE),
        cookie_jar=aiohttp.DummyCookieJar(),
        trace_configs=[traces],
        middlewares=(_once,),
    )


class _Client(Exchange):  # type: ignore[misc]  # ccxt has no types
    """ccxt's base class, told BitMEX's endpoints, signature and errors."""

    timeout_on_exit = 0  # the session is ours, and closed by us

    def __init__(
        self,
        settings: BitmexSettings,
        clock: Clock,
        headers_seen: HeadersSeen,
        session: aiohttp.ClientSession,
    ) -> None:
        self._clock = clock
        self._headers_seen = headers_seen
        self._life = settings.signature_life
        self._base_url = settings.base_url
        logger = logging.getLogger(__name__)
        logger.setLevel(logging.INFO)  # below it ccxt logs every request with its signature
        super().__init__(
            {
                "apiKey": settings.api_key,
                "secret": settings.api_secret,
                "timeout": int(settings.request_timeout * 1000),
                "session": session,
                "ssl_context": False,  # ccxt would build one, and use it nowhere: the session has its own
                "logger": logger,
            }
        )

    def describe(self) -> dict[str, Any]:
        table: dict[str, list[str]] = {}
        for endpoint in Endpoint:
            table.setdefault(endpoint.verb.lower(), []).append(endpoint.path)
        description: dict[str, Any] = self.deep_extend(
            super().describe(),
            {
                "id": "bitmex",
                "name": "BitMEX",
                "version": "v1",
                "userAgent": "basisbot",
                "enableRateLimit": False,
                "api": {"private": table},
            },
        )
        return description

    def sign(self, path: str, api: str, method: str, params: Mapping[str, object]) -> dict[str, object]:
        target, body = API_ROOT + path, ""
        headers = {"Accept": "application/json"}
        if method != "GET":
            body = wire.encode(params)
            headers["Content-Type"] = "application/json"
        elif params:
            target += "?" + urlencode(params, quote_via=quote)
        expires = int(self._clock.now().timestamp()) + self._life
        headers["api-expires"] = str(expires)
        headers["api-key"] = self.apiKey
        headers["api-signature"] = signature(self.secret, method, target, expires, body)
        return {"url": self._base_url + target, "method": method, "headers": headers, "body": body or None}

    def on_rest_response(
        self,
        code: int,
        reason: str,
        url: str,
        method: str,
        response_headers: Mapping[str, str],
        response_body: str,
        request_headers: object,
        request_body: object,
    ) -> str:
        trip = _TRIP.get()
        began = self._clock.now() if trip is None else trip.began
        self._headers_seen({name.lower(): value for name, value in response_headers.items()}, began)
        return response_body.strip()

    def on_json_response(self, response_body: str) -> object:
        return wire.decode(response_body)

    def handle_errors(
        self, code: int, reason: str, url: str, method: str, headers: object, body: str, *_ignored: object
    ) -> None:
        if not 200 <= code < 300:
            raise failure(code, body)
