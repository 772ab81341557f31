"""The routes for looking on: one picture of everything, the same as a stream, the basis, one plan."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import Field

from bot.orders import standing
from bot.surfaces import views
from bot.surfaces.basis_view import NoBasis, basis
from bot.surfaces.plan_detail import plan_detail
from bot.surfaces.served import Served
from bot.surfaces.standing_view import standing_view

# Events are told within so many seconds; the whole picture comes with them, and at least every second.
_LOOK_EVERY = 0.2
_PICTURE_EVERY = 5  # looks


def looks(served: Served) -> APIRouter:
    """Build the routes."""
    engine = served.engine
    router = APIRouter()

    def overview() -> dict[str, Any]:
        now = served.clock.now()
        held = standing.suspension(engine.state, engine.market, engine.policy, now)
        found: dict[str, Any] | None = None
        try:
            found = basis(engine.state, engine.market, served.inverse, served.linear, now)
            why = None
        except NoBasis as error:
            why = str(error)
        return {
            "at": now.isoformat(),
            "status": served.status(),
            "tickets": views.tickets(engine.state, engine.market, engine.policy, now),
            "basis": found,
            "no_basis": why,
            "standing": [
                standing_view(each.approval, engine.state.instruments, now, each, held)
                for each in engine.state.standing.values()
            ],
        }

    @router.get("/overview", summary="Status, tickets and basis in one")
    async def whole() -> dict[str, Any]:
        return overview()

    @router.get(
        "/stream",
        summary="What happens as it happens (`event`), and how things stand (`state`)",
        response_class=EventSourceResponse,
    )
    async def stream(after: Annotated[int | None, Field(ge=0)] = None) -> AsyncIterator[ServerSentEvent]:
        """Send every event after a sequence number, of the few hundred latest; left out: from now on."""
        seen = after if after is not None else max((entry.seq for entry in served.recent.events), default=0)
        looked = 0
        while True:
            fresh = served.recent.after(seen)
            for event in fresh:
                seen = event["seq"]
                yield ServerSentEvent(event="event", id=str(seen), data=event)
            if fresh or looked % _PICTURE_EVERY == 0:
                looked = 0
                yield ServerSentEvent(event="state", data=overview())
            looked += 1
            await asyncio.sleep(_LOOK_EVERY)

    @router.get("/basis", summary="The basis, executable both ways, and what costs leave of it")
    async def the_basis() -> dict[str, Any]:
        try:
            return basis(engine.state, engine.market, served.inverse, served.linear, served.clock.now())
        except NoBasis as error:
            raise HTTPException(
                409, {"code": "NO_BASIS", "limit": "", "given": "", "text": str(error)}
            ) from error

    @router.get("/plans/{plan_id}", summary="One plan in full")
    async def plan(plan_id: str) -> dict[str, Any]:
        found = engine.state.plans.get(plan_id)
        if found is None:
            raise HTTPException(404, f"there is no plan {plan_id} (see: basisbot plan list)")
        return plan_detail(engine.state, engine.market, found, served.clock.now())

    return router
