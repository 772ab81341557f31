"""The routes of transfers and conversions."""

from collections.abc import Awaitable, Callable, Iterable
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from adapters.clock import Clock, IdSource
from bot.engine import Engine
from bot.model.inputs import CancelTransfer, Command, FinishTransfer, RecordConversion, RecordTransfer
from bot.model.transfers import OUTSIDE
from bot.surfaces import views
from risk.money import Currency, Money

Who = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f]+$")]
Reason = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
Amount = Annotated[Decimal, Field(gt=0, allow_inf_nan=False, max_digits=18, decimal_places=8)]
Place = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z0-9-]+$")]
FlowId = Annotated[str, Field(min_length=1, max_length=100)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")
    by: Who
    reason: Reason


class NewTransfer(_Body):
    """``source``, ``target``: a venue, ``spot`` (a wallet of ours) or ``outside``. ``flow_id``: the deposit or
    withdrawal it was, if that is booked already; ``another``: it is none of those that look like it."""

    amount: Amount
    currency: Currency
    source: Place = OUTSIDE
    target: Place
    flow_id: FlowId | None = None
    another: bool = False


class Finished(_Body):
    """``arrived``: so much of it, at a place that tells no deposits; ``flow_id``: the deposit it was; ``final``:
    nothing more comes, what is missing was a fee or is lost."""

    arrived: Amount | None = None
    flow_id: FlowId | None = None
    final: bool = False


class Cancelled(_Body):
    pass


class Conversion(_Body):
    """XBT bought or sold for USD outside the venues; ``fee`` was paid beside it."""

    sell: Amount
    sell_currency: Currency
    buy: Amount
    fee: Annotated[Decimal, Field(ge=0, allow_inf_nan=False, max_digits=18, decimal_places=8)] = Decimal(0)
    fee_currency: Currency = Currency.USD


def routes(
    engine: Engine,
    clock: Clock,
    ids: IdSource,
    silent: Iterable[str],
    carry_out: Callable[[Command], Awaitable[dict[str, Any]]],
) -> APIRouter:
    """Build them. ``silent``: the venues that tell no deposits and withdrawals."""
    router = APIRouter()
    untold = tuple(silent)

    @router.get("/transfers", summary="Money on its way, and what no transfer explains")
    async def transfers() -> dict[str, Any]:
        """Return what is on its way, what lies beside the venues, and the flows nobody has explained."""
        return views.moves(engine.state, clock.now())

    @router.post("/transfers", summary="Record a transfer you have made")
    async def record(body: NewTransfer) -> dict[str, Any]:
        transfer_id = ids.new()
        command = RecordTransfer(
            transfer_id=transfer_id,
            amount=Money.of(body.currency, body.amount),
            source=body.source,
            target=body.target,
            by=body.by,
            reason=body.reason,
            silent=untold,
            flow_id=body.flow_id,
            is_another=body.another,
        )
        return {**await carry_out(command), "transfer": transfer_id}

    @router.post("/transfers/{transfer_id}/done", summary="A transfer has arrived")
    async def done(transfer_id: str, body: Finished) -> dict[str, Any]:
        return await carry_out(
            FinishTransfer(transfer_id, body.by, body.reason, untold, body.arrived, body.flow_id, body.final)
        )

    @router.post("/transfers/{transfer_id}/cancel", summary="A transfer that was never made")
    async def cancel(transfer_id: str, body: Cancelled) -> dict[str, Any]:
        return await carry_out(CancelTransfer(transfer_id, body.by, body.reason, untold))

    @router.post("/conversions", summary="Record an exchange of USD and XBT")
    async def convert(body: Conversion) -> dict[str, Any]:
        other = Currency.XBT if body.sell_currency is Currency.USD else Currency.USD
        conversion_id = ids.new()
        command = RecordConversion(
            conversion_id,
            sold=Money.of(body.sell_currency, body.sell),
            bought=Money.of(other, body.buy),
            fee=Money.of(body.fee_currency, body.fee),
            by=body.by,
            reason=body.reason,
        )
        return {**await carry_out(command), "conversion": conversion_id}

    return router
