"""``POST /plans/roll``: a leg into the next month."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from adapters.clock import IdSource
from bot.automation.proposing import roll_of
from bot.engine import Engine
from bot.model.inputs import Command, ProposePlan
from bot.model.plans import ApprovalMode
from bot.surfaces.plans_api import Basis, Pause, Size
from bot.surfaces.transfers_api import Who


class NewRoll(BaseModel):
    """``leg``: left out, the one that ends first. ``size_xbt``: left out, all of it.
    ``min_basis``, ``max_basis``: limits of the calendar spread, the new month
    less the old one, USD per XBT."""

    model_config = ConfigDict(extra="forbid")
    leg: Literal["linear", "inverse"] | None = None
    size_xbt: Size | None = None
    tranches: Annotated[int, Field(ge=1, le=90)] = 1
    by: Who
    min_basis: Basis | None = None
    max_basis: Basis | None = None
    approval: ApprovalMode = ApprovalMode.ARMED
    pause_seconds: Pause = 0.0


def routes(
    engine: Engine, ids: IdSource, carry_out: Callable[[Command], Awaitable[dict[str, Any]]]
) -> APIRouter:
    router = APIRouter()

    @router.post("/plans/roll", summary="Propose to roll a leg; tickets follow")
    async def roll(body: NewRoll) -> dict[str, Any]:
        pair = engine.policy.automation
        try:
            if pair is None:
                raise ValueError("the bot has no pair to roll")
            spec = roll_of(
                engine.state,
                pair,
                ids.new(),
                body.size_xbt,
                body.tranches,
                body.by,
                min_basis=body.min_basis,
                max_basis=body.max_basis,
                approval=body.approval,
                pause=timedelta(seconds=body.pause_seconds),
                leg={"linear": pair.linear, "inverse": pair.inverse, None: None}[body.leg],
            )
        except ValueError as error:
            told = {"code": "PLAN_REFUSED", "limit": "", "given": "", "text": str(error)}
            raise HTTPException(409, told) from error
        return {**await carry_out(ProposePlan(spec)), "plan": spec.plan_id}

    return router
