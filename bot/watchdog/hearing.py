"""Hearing the bot: one question to its API, which its own loop answers; one that hangs does not."""

import asyncio
from dataclasses import dataclass

import aiohttp


@dataclass(frozen=True, slots=True)
class Heard:
    """``alive``: it is at work; ``stopped``: it ends on purpose, with nothing out; neither: ``why`` it is not heard."""

    alive: bool = False
    stopped: bool = False
    why: str = ""


async def listen(url: str, instance: str, within: float, every: float) -> Heard:
    """Ask the bot at ``url`` whether it lives, for at most ``within`` seconds; it is asked ``every`` so many."""
    try:
        async with (
            asyncio.timeout(within),
            aiohttp.ClientSession() as session,
            session.get(f"{url}/livez", params={"watchdog": f"{every:g}"}, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                return Heard(why=f"{url} answers {answer.status}")
            told = await answer.json(content_type=None)
    except TimeoutError:
        return Heard(why=f"{url} does not answer")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return Heard(why=f"{url}: {error or 'the link broke'}")
    status = told.get("status") if isinstance(told, dict) else None
    if status not in ("alive", "stopped"):
        return Heard(why=f"{url} is not a bot's")
    if told.get("instance") != instance:
        return Heard(why=f"{url} is the bot of {told.get('instance')!r}, not of {instance!r}")
    return Heard(alive=status == "alive", stopped=status == "stopped")
