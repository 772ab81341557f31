"""Deposits and withdrawals: asked for whenever the wallet is said to have changed."""

import asyncio

import structlog

from adapters.bitmex.feed import Feed
from adapters.bitmex.questions import Questions
from adapters.bitmex.settings import BitmexSettings
from adapters.errors import VenueError

_log = structlog.get_logger("adapters.bitmex")


class WalletWatch:
    def __init__(self, settings: BitmexSettings, questions: Questions) -> None:
        self._settings = settings
        self._questions = questions
        self._has_changed = asyncio.Event()

    def changed(self) -> None:
        self._has_changed.set()

    async def keep(self, feed: Feed) -> None:
        """Answer every change with a look into the wallet's history, until it is answered. Never returns."""
        while True:
            await self._has_changed.wait()
            self._has_changed.clear()
            try:
                feed.tell_flows(await self._questions.wallet_flows(feed.flows_since))
            except VenueError as error:
                _log.error("bitmex.cash_flows_not_told", fault=str(error))
                self._has_changed.set()
                await asyncio.sleep(self._settings.reconnect_at_most)
