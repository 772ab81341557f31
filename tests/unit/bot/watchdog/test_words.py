"""Hearing the bot, waking people, and leaving word for the bot: over loopback, with real files and processes."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
from aiohttp import web

from adapters.clock import SystemClock
from bot.runtime import watchdog_note
from bot.runtime.files import Files
from bot.runtime.watchdog import Outlets
from bot.watchdog.hearing import Heard, listen

ALIVE = {"status": "alive", "instance": "mine"}


async def served(body: object, status: int = 200, *, hangs: bool = False) -> Heard:
    """Ask a server that answers so; return what was heard."""

    async def answer(request: web.Request) -> web.Response:
        assert request.query == {"watchdog": "2.5"}
        if hangs:
            await asyncio.sleep(60)
        if isinstance(body, str):
            return web.Response(text=body, status=status)
        return web.json_response(body, status=status)

    application = web.Application()
    application.router.add_get("/livez", answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        return await listen(f"http://127.0.0.1:{port}", "mine", 1.0 if hangs else 30.0, 2.5)
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        (ALIVE, 503, "answers 503"),
        ("<html>welcome</html>", 200, "://"),
        (["alive"], 200, "is not a bot's"),
        ({"status": "alive", "instance": "other"}, 200, "is the bot of 'other', not of 'mine'"),
        ({"status": "alive"}, 200, "not of 'mine'"),
    ],
)
def test_only_the_bots_own_answer_counts(body: object, status: int, why: str) -> None:
    heard = asyncio.run(served(body, status))
    assert not heard.alive
    assert not heard.stopped
    assert why in heard.why


def test_the_bot_is_heard() -> None:
    assert asyncio.run(served(ALIVE)) == Heard(alive=True)
    assert asyncio.run(served({**ALIVE, "status": "stopped"})) == Heard(stopped=True)


def test_a_bot_that_takes_the_connection_and_does_not_answer_is_not_heard() -> None:
    assert "does not answer" in asyncio.run(served(ALIVE, hangs=True)).why


def test_nobody_there() -> None:
    assert asyncio.run(listen("http://127.0.0.1:1", "mine", 30.0, 2.5)).why


def test_the_alert_command_is_given_code_and_text(tmp_path: Path) -> None:
    out = tmp_path / "said"
    program = f"import json, sys; open({str(out)!r}, 'w').write(json.dumps(sys.argv[1:]))"

    async def main() -> None:
        outlets = Outlets(Files(tmp_path), SystemClock(), (sys.executable, "-c", program), None)
        outlets.alert("BOT_SILENT", "it's; $(silent)")
        for _ in range(1200):
            if out.exists() and out.read_text():
                break
            await asyncio.sleep(0.05)
        await outlets.finish()

    asyncio.run(main())
    assert json.loads(out.read_text()) == ["BOT_SILENT", "it's; $(silent)"]


def test_an_alert_command_that_is_not_there_ends_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        outlets = Outlets(Files(tmp_path), SystemClock(), (str(tmp_path / "nothing"),), None)
        outlets.alert("BOT_SILENT", "text")
        await outlets.finish()

    asyncio.run(main())


def test_word_for_the_bot_is_told_once_in_order_whatever_else_stands_there(tmp_path: Path) -> None:
    files = Files(tmp_path / "later")
    assert watchdog_note.take(files) == []
    for text in ("first", "second"):
        watchdog_note.leave(files, text, SystemClock())
    with files.watchdog.open("a") as file:
        file.write("half a li")
    assert [text.split(": ", 1)[1] for text in watchdog_note.take(files)] == ["first", "second"]
    assert watchdog_note.take(files) == []
