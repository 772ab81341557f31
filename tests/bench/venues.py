"""The venues' processes, from the side of whoever measures against them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from adapters.bitmex.settings import BitmexSettings
from adapters.clock import SystemClock
from adapters.ibkr.settings import ContractSettings, IbkrSettings
from adapters.simulator.exchange.catalog import front_month
from bot.model.policy import Policy
from risk.instruments import InstrumentId
from tests.bench.venue import ACCOUNT, HOST, KEY, SECRET, Moments

INVERSE, LINEAR = InstrumentId("bitmex", "XBTUSD"), InstrumentId("cme", "MBT")


@dataclass
class VenueProcess:
    """A simulated venue that runs. ``moments``: what it has noted, known once it has ended."""

    process: "subprocess.Popen[str]"
    port: int
    moments: Moments

    def end(self) -> Moments:
        out, _ = self.process.communicate("")
        told = json.loads(out.splitlines()[-1])
        for noted, kind in ((self.moments.fills, "fills"), (self.moments.orders, "orders")):
            noted.extend((name, at) for name, at in told[kind])
        return self.moments


@contextmanager
def venue(name: str) -> Iterator[VenueProcess]:
    """Run ``bitmex`` or ``tws`` until the block ends."""
    command = [sys.executable, "-m", "tests.bench.venue", name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None:
            raise RuntimeError("a process with pipes has them")
        try:
            yield VenueProcess(process, json.loads(process.stdout.readline())["port"], Moments())
        finally:
            if process.poll() is None:
                process.kill()


def bitmex_settings(port: int) -> BitmexSettings:
    """Return the bot's usual settings, but for a budget that lets it be measured without waiting."""
    return BitmexSettings(
        base_url=f"http://{HOST}:{port}",
        ws_url=f"ws://{HOST}:{port}/realtime",
        api_key=KEY,
        api_secret=SECRET,
        name=INVERSE.venue,
        requests_per_minute=100_000,
        orders_per_second=1_000,
    )


def ibkr_settings(port: int) -> IbkrSettings:
    year, month = front_month(SystemClock().now())
    contract = ContractSettings("MBT", "MBT", f"{year}{month:02}", Decimal("0.1"), Decimal(5))
    return IbkrSettings(
        host=HOST,
        port=port,
        client_id=7,
        account=ACCOUNT,
        contracts={LINEAR.symbol: contract},
        name=LINEAR.venue,
    )


def wide(policy: Policy) -> Policy:
    """Return a policy under which one plan can give hundreds of fills, one after the other."""
    return replace(
        policy,
        max_plan_xbt=Decimal(1_000),
        max_delta_after=Decimal(1_000),
        clip_pause=timedelta(milliseconds=30),
        execute_by=timedelta(hours=1),
        unhedged_limit=timedelta(minutes=1),
    )
