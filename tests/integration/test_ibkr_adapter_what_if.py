"""What the broker may say to "what would it need?": figures, no figures, nonsense, nothing, and no."""

import struct

import pytest

from adapters.errors import Unreachable
from adapters.simulator.tws.order_messages import MarginState
from risk.money import Currency, Money
from risk.orders import OrderRequest, Side
from tests.integration.ibkr_adapter_bench import MBT
from tests.integration.ibkr_scene import Scene, run, scene
from tests.integration.ibkr_scripted_gateway import ScriptedGateway
from tests.unit.bot.desk import D

UNSET = "1.7976931348623157E308"
ANSWER = MarginState(
    before=(D("1000.25"), D("800"), D("50000")),
    change=(D("4000.5"), D("3200"), D("-2.5")),
    commission=D("2.5"),
)


async def ask(s: Scene) -> object:
    return await s.venue.what_if(OrderRequest("q", MBT, Side.BUY, 5, D(100_005)))


def answering(*, instead: dict[str, str] | None = None) -> object:
    """Answer as the simulator's encoder would, with ``instead`` of one text another."""

    def answer(gateway: ScriptedGateway, message: list[str]) -> None:
        assert gateway.writer is not None
        frame = gateway.open_order_frame(message[1], "PreSubmitted", ANSWER)
        body = frame[4:].decode()
        for text, other in (instead or {}).items():
            assert text in body
            body = body.replace(f"\0{text}\0", f"\0{other}\0")
        gateway.writer.write(struct.pack(">I", len(body.encode())) + body.encode())

    return answer


def usd(text: str) -> Money:
    return Money.of(Currency.USD, D(text))


def test_the_figures_are_read_exactly_and_nothing_is_an_order() -> None:
    async def main() -> None:
        async with scene(PLACE=answering()) as s:  # type: ignore[arg-type]
            told = await s.venue.what_if(OrderRequest("q", MBT, Side.BUY, 5, D(100_005)))
            assert told is not None
            assert (told.initial_before, told.initial_after) == (usd("1000.25"), usd("5000.75"))
            assert (told.maintenance_before, told.maintenance_after) == (usd("800"), usd("4000"))
            assert (told.equity_before, told.equity_after) == (usd("50000"), usd("49997.5"))
            assert told.commission == usd("2.5")
            assert s.heard.updates == []
            [sent] = s.gateway.orders()
            # whatIf is the flag that keeps it from being placed.
            assert sent.count("q") == 1

    run(main)


@pytest.mark.parametrize("unset", [UNSET, "1.7976931348623157e+308", ""])
def test_no_value_is_not_known(unset: str) -> None:
    async def main() -> None:
        async with scene(PLACE=answering(instead={"5000.75": unset})) as s:  # type: ignore[arg-type]
            assert await ask(s) is None

    run(main)


def test_what_is_no_number_is_no_answer() -> None:
    async def main() -> None:
        async with scene(PLACE=answering(instead={"5000.75": "N/A"})) as s:  # type: ignore[arg-type]
            with pytest.raises(Unreachable, match="initial after was answered by 'N/A'"):
                await ask(s)

    run(main)


def test_a_login_that_may_only_read_and_silence_are_told() -> None:
    async def main() -> None:
        def read_only(gateway: ScriptedGateway, message: list[str]) -> None:
            gateway.error(message[1], 321, "The API interface is currently in Read-Only mode.")

        async with scene(PLACE=read_only) as s:
            with pytest.raises(Unreachable, match="Read-Only mode"):
                await ask(s)
        async with scene(PLACE=lambda g, m: None) as s:
            with pytest.raises(Unreachable, match="no answer within"):
                await ask(s)

    run(main)
