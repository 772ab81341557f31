"""The HTTP server inside the daemon's loop."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from fastapi import FastAPI

from config.errors import ConfigError, Problem


class _Server(uvicorn.Server):
    """uvicorn, without its signal handlers: the daemon has its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(host: str, port: int) -> socket.socket:
    """Take the address, or raise ConfigError: better before anything else is started."""
    try:
        return socket.create_server((host, port), backlog=64)
    except OSError as error:
        raise ConfigError(
            Problem(
                "api",
                f"{host}:{port}",
                f"{_reason(error)}; does the bot run already (basisbot status)? "
                "else choose another api.port, or 0 for any free one",
            )
        ) from error


def _reason(error: OSError) -> str:
    # Its own text repeats the address.
    return os.strerror(error.errno) if error.errno else str(error)


@contextlib.asynccontextmanager
async def serving(app: FastAPI, listener: socket.socket) -> AsyncIterator[None]:
    """Serve ``app`` while the block runs."""
    server = _Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield  # the socket listens already: a request that comes early waits
    finally:
        server.should_exit = True
        # An open event stream must not hold up the end.
        server.force_exit = True
        await task
