"""Telling executions: live or duplicated, their commissions later, and again to whoever asks.

A corrected one is told under its next id, with the time it was first executed at; a question is answered with what
stands alone, a busted one with no shares.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from adapters.clock import Clock
from adapters.simulator.exchange.events import Executed
from adapters.simulator.exchange.orders import Execution, Liquidity, Side
from adapters.simulator.faults import FaultKind
from adapters.simulator.tws import messages, order_messages
from adapters.simulator.tws.admission import parse_time
from adapters.simulator.tws.api_errors import NO_ID
from adapters.simulator.tws.blotter import Blotter, Booked
from adapters.simulator.tws.contracts import EXCHANGE, SEC_TYPE
from adapters.simulator.tws.desk import OrderDesk
from adapters.simulator.tws.faults import Faults
from adapters.simulator.tws.gateway_order import CENTS, GatewayOrder
from adapters.simulator.tws.lane import Lane
from adapters.simulator.tws.links import Link
from adapters.simulator.tws.messages import Fields
from adapters.simulator.tws.money import dollars, price
from adapters.simulator.tws.order_messages import ExecutionFace
from adapters.simulator.tws.order_voice import OrderVoice
from adapters.simulator.tws.requests import ExecutionFilter

HISTORY = timedelta(days=1)
"""How far back the broker answers; the real one goes back to midnight."""

_SIDES = {"": None, "BUY": Side.BUY, "BOT": Side.BUY, "SELL": Side.SELL, "SLD": Side.SELL}


@dataclass(slots=True)
class TradeReports:
    """``lane`` is how long a commission takes."""

    desk: OrderDesk
    blotter: Blotter
    clock: Clock
    voice: OrderVoice
    faults: Faults
    lane: Lane

    def on_execution(self, event: Executed) -> None:
        booked = self._book(event.execution)
        order = self.desk.of_exchange(event.execution.order_id)
        if booked is None or order is None:
            return
        self._tell(order, booked)
        if self.faults.duplicate_executions:
            self.faults.note(FaultKind.DUPLICATE)
            self._tell(order, booked)
        self.lane.run(lambda: self._tell_commission(order, booked))

    def answer(self, link: Link, wanted: ExecutionFilter) -> None:
        """Tell the last day's executions of the whole account that match, each with its commission."""
        since = self.clock.now() - HISTORY
        if wanted.since:
            since = max(since, parse_time(wanted.since))
        for booked in self.blotter.trades:
            face = self._face(booked)
            if booked.execution.first.at >= since and _matches(face, wanted):
                link.send(order_messages.execution(link.version, wanted.req_id, face))
                link.send(self._commission(booked))
        link.send(messages.executions_end(wanted.req_id))

    def _tell(self, order: GatewayOrder, booked: Booked) -> None:
        face = self._face(booked)
        self.voice.tell(order, lambda version: order_messages.execution(version, NO_ID, face))

    def _tell_commission(self, order: GatewayOrder, booked: Booked) -> None:
        report = self._commission(booked)
        self.voice.tell(order, lambda _: report)

    def _book(self, execution: Execution) -> Booked | None:
        if execution.was is None:
            return self.blotter.book(execution)
        self.blotter.rebook(self.desk.exchange.standing(execution.account))
        return self.blotter.find(execution.exec_id)

    def _commission(self, booked: Booked) -> Fields:
        realised = None if booked.realised is None else dollars(booked.realised)
        return order_messages.commission_report(
            booked.execution.exec_id, dollars(booked.execution.fee), realised
        )

    def _face(self, booked: Booked) -> ExecutionFace:
        execution = booked.execution
        order = self.desk.of_exchange(execution.order_id)
        if order is None:
            raise LookupError(f"execution {execution.exec_id} of an unknown order {execution.order_id}")
        average = Decimal(booked.notional) / booked.cumulative / CENTS if booked.cumulative else Decimal(0)
        return ExecutionFace(
            exec_id=execution.exec_id,
            order=order.face(),
            at=execution.first.at,
            bought=execution.side is Side.BUY,
            quantity=execution.quantity,
            price=price(execution.price),
            cumulative=booked.cumulative,
            average=round(average, 8),
            added_liquidity=execution.liquidity is Liquidity.MAKER,
            liquidation=order.sim is not None and order.sim.forced,
        )


def _matches(face: ExecutionFace, wanted: ExecutionFilter) -> bool:
    side = _SIDES.get(wanted.side.upper())
    return (
        wanted.client_id in (0, face.order.client_id)
        and wanted.account in ("", face.order.account)
        and wanted.symbol in ("", face.order.contract.symbol)
        and wanted.sec_type in ("", SEC_TYPE)
        and wanted.exchange in ("", EXCHANGE)
        and side in (None, Side.BUY if face.bought else Side.SELL)
    )
