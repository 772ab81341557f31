"""What every answer of the API says of the bot, whatever was asked."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

VERSION = "Basisbot-Version"


class SaysVersion:
    """Puts the bot's version into every answer: a command line of another one can say so, instead of misreading it."""

    def __init__(self, app: ASGIApp, version: str) -> None:
        self._app = app
        self._version = version

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def told(message: Message) -> None:
            if message["type"] == "http.response.start" and self._version:
                MutableHeaders(scope=message)[VERSION] = self._version
            await send(message)

        await self._app(scope, receive, told)
