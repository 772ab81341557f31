"""Hearing the bot: one question to its API, which its own loop answers; one that hangs does not."""

import asyncio

import aiohttp


async def unheard(url: str, instance: str, within: float) -> str | None:
    """Ask the bot at ``url`` whether it lives, for at most ``within`` seconds. Return None if it does, else why not."""
    try:
        async with (
            asyncio.timeout(within),
            aiohttp.ClientSession() as session,
            session.get(f"{url}/livez", allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                return f"{url} answers {answer.status}"
            told = await answer.json(content_type=None)
    except TimeoutError:
        return f"{url} does not answer"
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return f"{url}: {error or 'the link broke'}"
    if not isinstance(told, dict) or told.get("status") != "alive":
        return f"{url} is not a bot's"
    if told.get("instance") != instance:
        return f"{url} is the bot of {told.get('instance')!r}, not of {instance!r}"
    return None
