"""Links to the simulated gateway: handshake, client ids, versions, faults, restarts, bad bytes."""

import asyncio
import socket
import struct
from datetime import timedelta

import pytest
from ib_async import IB, Future, StartupFetchNONE

from adapters.simulator.tws.server import TwsServer
from adapters.simulator.tws.versions import UnsupportedVersion, negotiate
from tests import patient
from tests.integration.tws_server_bench import ACCOUNT, HOST, Bench, bench, mbt, order, until


def test_a_client_connects_and_is_synchronized() -> None:
    async def main() -> None:
        async with bench() as b:
            ib = IB()
            b.clients.append(ib)
            codes: list[int] = []
            ib.errorEvent += lambda req_id, code, text, contract: codes.append(code)
            await ib.connectAsync(HOST, b.port, 7, raiseSyncErrors=True)
            assert ib.client.serverVersion() == 178
            assert ib.managedAccounts() == [ACCOUNT]
            await until(lambda: codes == [2104, 2106, 2158])
            assert b.server.clients == [7]
            now = await ib.reqCurrentTimeAsync()
            assert abs((now - b.clock.now()).total_seconds()) < 5
            ib.disconnect()
            await until(lambda: b.server.clients == [])

    patient.run(main())


def test_a_client_id_is_used_by_one_link_at_a_time() -> None:
    """The second is told 326 and cut off; ib_async shows that as a bare time-out."""

    async def main() -> None:
        async with bench() as b:
            first = await b.client(3)
            second = IB()
            codes: list[int] = []
            second.errorEvent += lambda req_id, code, text, contract: codes.append(code)
            with pytest.raises(TimeoutError):
                await second.connectAsync(HOST, b.port, 3, timeout=0.3)
            assert codes == [326]
            assert first.isConnected()
            first.disconnect()
            await until(lambda: b.server.clients == [])
            await b.client(3)

    patient.run(main())


@pytest.mark.parametrize("version", [157, 158, 159, 160, 162, 163, 164, 166, 169, 170, 174, 176, 177, 178])
def test_every_version_with_a_gate_works(version: int) -> None:
    """Details, a filled order, a resting one, open and completed orders, executions, positions, account."""

    async def main() -> None:
        async with bench(server_version=version) as b:
            ib = await b.client()
            assert ib.client.serverVersion() == version
            contract = await mbt(ib)
            assert (contract.localSymbol, contract.multiplier) == ("MBTM0", "0.1")
            filled = ib.placeOrder(contract, order("SELL", 2, 19_995, orderRef="v"))
            rests = ib.placeOrder(contract, order("BUY", 1, 19_000, "GTC", orderRef="r"))
            await until(lambda: filled.isDone() and rests.orderStatus.status == "Submitted")
            await until(lambda: filled.fills[0].commissionReport.commission == 2.5)
            other = await b.client(2)
            (live,) = await other.reqAllOpenOrdersAsync()
            assert (live.order.orderRef, live.order.lmtPrice, live.order.tif) == ("r", 19_000, "GTC")
            assert live.order.outsideRth is True
            (done,) = await other.reqCompletedOrdersAsync(True)
            assert (done.order.orderRef, done.order.filledQuantity) == ("v", 2)
            (fill,) = other.fills()
            assert (fill.execution.side, fill.execution.orderRef) == ("SLD", "v")
            assert fill.contract.conId == contract.conId
            (position,) = other.positions()
            assert (position.position, position.contract.localSymbol) == (-2, "MBTM0")
            (line,) = other.portfolio()
            assert (line.position, line.contract.multiplier) == (-2, "0.1")
            state = await asyncio.wait_for(ib.whatIfOrderAsync(contract, order("BUY", 2, 20_005)), 2)
            # Short 2 becomes flat; the resting purchase of one could still make a long position of 2,000 USD.
            assert float(state.initMarginBefore) == 4_000
            assert float(state.initMarginAfter) == 1_000
            assert float(state.maintMarginAfter) == 0

    patient.run(main())


def test_versions_are_negotiated() -> None:
    assert negotiate("v157..178") == 178
    assert negotiate("v100..164 +PACEAPI") == 164
    assert negotiate("v100..223", newest=170) == 170
    assert negotiate("v176") == 176
    for offer in ("v100..156", "v179..223", "x157..178", "v..", "v157..", ""):
        with pytest.raises(UnsupportedVersion):
            negotiate(offer)


def test_dropped_links_can_connect_again_and_find_everything() -> None:
    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            contract = await mbt(ib)
            trade = ib.placeOrder(contract, order("BUY", 1, 19_000, "GTC", orderRef="kept"))
            await until(lambda: trade.orderStatus.status == "Submitted")
            gone = asyncio.Event()
            ib.disconnectedEvent += gone.set
            b.server.drop_links()
            await asyncio.wait_for(gone.wait(), 2)
            again = await b.client()
            (live,) = again.openTrades()
            assert (live.order.orderRef, live.order.permId) == ("kept", trade.order.permId)
            again.cancelOrder(live.order)
            await until(lambda: live.orderStatus.status == "Cancelled")

    patient.run(main())


def test_an_order_accepted_without_an_answer_is_there_when_asked_for() -> None:
    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            contract = await mbt(ib)
            b.server.faults.silent_orders = 1
            silent = ib.placeOrder(contract, order("BUY", 2, 20_005, orderRef="lost"))
            told = ib.placeOrder(contract, order("BUY", 1, 20_005, orderRef="told"))
            await until(told.isDone)
            assert silent.orderStatus.status == "PendingSubmit"
            assert not silent.fills
            found = await ib.reqExecutionsAsync()
            assert [(f.execution.orderRef, f.execution.shares) for f in found] == [("lost", 2), ("told", 1)]

    patient.run(main())


def test_a_hung_gateway_carries_out_and_answers_nothing() -> None:
    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            contract = await mbt(ib)
            b.hang(timedelta(milliseconds=200))
            trade = ib.placeOrder(contract, order("BUY", 1, 20_005))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(ib.reqCurrentTimeAsync(), 0.1)
            assert ib.isConnected()
            assert trade.orderStatus.status == "PendingSubmit"
            assert b.exchange.executions(ACCOUNT) != []
            await asyncio.sleep(0.15)
            await asyncio.wait_for(ib.reqCurrentTimeAsync(), 1)

    patient.run(main())


def test_executions_told_twice_have_one_id() -> None:
    async def main() -> None:
        async with bench() as b:
            b.server.faults.duplicate_executions = True
            ib = await b.client()
            told: list[str] = []
            hear = ib.wrapper.execDetails

            def listen(req_id, contract, execution):  # type: ignore[no-untyped-def]
                told.append(execution.execId)
                hear(req_id, contract, execution)

            ib.wrapper.execDetails = listen  # type: ignore[method-assign]
            trade = ib.placeOrder(await mbt(ib), order("BUY", 1, 20_005))
            await until(trade.isDone)
            assert len(told) == 2
            assert len(set(told)) == 1
            assert trade.filled() == 1

    patient.run(main())


def test_a_preset_notice_and_a_read_only_gateway() -> None:
    """10349 is taken for a cancel by the client while the order fills; read-only refuses with 321."""

    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            contract = await mbt(ib)
            seen: list[str] = []
            ib.orderStatusEvent += lambda trade: seen.append(trade.orderStatus.status)
            b.server.faults.preset_tif = True
            trade = ib.placeOrder(contract, order("BUY", 1, 20_005, tif=""))
            await until(lambda: trade.orderStatus.status == "Filled")
            assert seen[0] == "Cancelled"
            b.server.faults.read_only = True
            refused = ib.placeOrder(contract, order("BUY", 1, 20_005))
            await until(lambda: refused.log[-1].errorCode == 321)
            assert "Read-Only" in refused.log[-1].message
            assert refused.orderStatus.status == "ValidationError"

    patient.run(main())


def test_a_restart_keeps_orders_and_may_roll_ids_back() -> None:
    async def main() -> None:
        async with bench() as b:
            ib = await b.client()
            contract = await mbt(ib)
            rests = ib.placeOrder(contract, order("SELL", 1, 21_000, "GTC", orderRef="before"))
            filled = ib.placeOrder(contract, order("SELL", 1, 19_995, orderRef="done"))
            await until(lambda: filled.isDone() and rests.orderStatus.status == "Submitted")
            highest = filled.order.orderId
            ib.disconnect()
            await b.restart()
            ib = await b.client()
            assert ib.client.getReqId() > highest
            (live,) = ib.openTrades()
            assert (live.order.permId, live.order.orderRef) == (rests.order.permId, "before")
            assert live.order.orderId == rests.order.orderId
            assert [f.execution.orderRef for f in ib.fills()] == ["done"]
            ib.disconnect()
            b.exchange.cancel_all(ACCOUNT)
            await b.restart(next_order_id=1)
            ib = await b.client(fetchFields=StartupFetchNONE)
            assert ib.client.getReqId() == 1
            again = ib.placeOrder(contract, order("BUY", 1, 20_005, orderRef="rolled back"))
            await until(again.isDone)
            assert again.orderStatus.status == "Filled"
            assert again.order.orderId < highest
            assert again.order.permId > filled.order.permId

    patient.run(main())


def test_the_port_is_taken_and_released() -> None:
    async def main() -> None:
        async with bench() as b:
            taken = TwsServer(b.exchange, b.clock, ACCOUNT)
            with pytest.raises(OSError, match=str(b.port)):
                await taken.start(HOST, b.port)
            await taken.stop()
            await b.client()
            await b.server.stop()
            await b.server.stop()
            with socket.create_server((HOST, b.port)):
                pass
            b.port = await b.server.start(HOST, b.port)
            await b.client()
            with pytest.raises(RuntimeError):
                await b.server.start(HOST, 0)

    patient.run(main())


def frame(*fields: object) -> bytes:
    body = "".join(f"{field}\0" for field in fields).encode()
    return struct.pack(">I", len(body)) + body


async def raw(b: Bench, client_id: int = 9) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A link spoken by hand, its start-up messages read."""
    reader, writer = await asyncio.open_connection(HOST, b.port)
    writer.write(b"API\0" + struct.pack(">I", 9) + b"v157..178")
    writer.write(frame(71, 2, client_id, ""))
    assert (await message(reader))[0] == "178"
    for _ in range(5):
        await message(reader)
    return reader, writer


async def message(reader: asyncio.StreamReader) -> list[str]:
    (size,) = struct.unpack(">I", await asyncio.wait_for(reader.readexactly(4), 2))
    return (await reader.readexactly(size)).decode().split("\0")[:-1]


@pytest.mark.parametrize(
    ("sent", "about", "code"),
    [
        (("999", 1), "-1", "320"),
        (("hello",), "-1", "320"),
        (("",), "-1", "320"),
        ((3, 1), "1", "320"),
        ((3, "abc"), "-1", "320"),
        ((4, 1, 5, ""), "5", "10147"),
        ((4, 1, "five"), "-1", "320"),
        ((7, 3, 12, "x"), "12", "320"),
        ((9, 8, 14, 0, "MBT", "", "", "0.0", "", "", "", "", "", "", "", 0, "", "", ""), "14", "321"),
        ((9, 8, 14, 77, "", "", "", "0.0", "", "", "", "", "", "", "", 0, "", "", ""), "14", "200"),
        ((2, 2, 40), "40", "300"),
        ((11, 1, 41, 0), "41", "310"),
        ((6, 2, 1, "DU999"), "-1", "321"),
        ((15, 1, 1), "-1", "321"),
        ((20, 8, 0), "8", "321"),
        ((92, 21, "DU0000001", ""), "21", "321"),
    ],
    ids=str,
)
def test_a_bad_message_is_refused_and_the_link_lives(sent: tuple[object, ...], about: str, code: str) -> None:
    async def main() -> None:
        async with bench() as b:
            reader, writer = await raw(b)
            writer.write(frame(*sent))
            answer = await message(reader)
            assert answer[:4] == ["4", "2", about, code]
            writer.write(frame(49, 1))
            assert (await message(reader))[0] == "49"
            writer.close()
            await writer.wait_closed()

    patient.run(main())


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"API\0\0\0\0\x09v100..150",
        b"API\0\0\0\0\x09v179..200",
        b"API\0\0\0\0\x05hello",
        b"API\0\0\0\0\0",
        b"API\0\0\0\0\x09v157..178" + frame(49, 1),
        b"API\0\0\0\0\x09v157..178" + frame(71, 2, "me", ""),
        b"API\0\0\0\0\x09v157..178" + frame(71, 2, 4, "") + b"\xff\xff\xff\xff",
        b"API\0\0\0\0\x09v157..178" + frame(71, 2, 4, "") + b"\0\0\0\x02\xff\0",
        b"API\0\0\0\0\x09v157..178" + frame(71, 2, 4, "") + b"\0\0\0\x0249",
    ],
)
def test_what_is_no_message_ends_the_link(sent: bytes) -> None:
    async def main() -> None:
        async with bench() as b:
            reader, writer = await asyncio.open_connection(HOST, b.port)
            writer.write(sent)
            await asyncio.wait_for(reader.read(), 2)
            assert reader.at_eof()
            writer.close()
            await until(lambda: b.server.clients == [])
            await b.client()

    patient.run(main())


def test_a_client_too_fast_is_warned_then_cut_off() -> None:
    """50 messages a second; three beyond that end the link."""

    async def main() -> None:
        async with bench() as b:
            reader, writer = await raw(b)
            writer.write(frame(49, 1) * 53)
            answers = [await message(reader) for _ in range(53)]
            assert [answer[0] for answer in answers] == ["49"] * 50 + ["4"] * 3
            assert [answer[3] for answer in answers[50:]] == ["100"] * 3
            with pytest.raises(asyncio.IncompleteReadError):
                await message(reader)
            writer.close()

    patient.run(main())


def test_unknown_versions_and_inverse_contracts_are_no_gateway() -> None:
    async def main() -> None:
        async with bench() as b:
            for version in (156, 179):
                with pytest.raises(ValueError, match="157 to 178"):
                    TwsServer(b.exchange, b.clock, server_version=version)
            with pytest.raises(ValueError, match="latency"):
                TwsServer(b.exchange, b.clock, latency_ms=-1)
            ib = await b.client()
            assert await ib.reqContractDetailsAsync(Future("XBT", exchange="CME")) == []

    patient.run(main())
