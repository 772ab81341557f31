"""The HTTP API of a running bot, on loopback. OpenAPI at /docs.

Reading needs the token as well as commanding: both travel in ``Authorization: Bearer``. The token stands in a
file only the bot's own user can read.
"""

import asyncio
import hmac
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, HTTPException, Query, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel, ConfigDict, Field, model_validator

from adapters.errors import VenueError
from bot.model.inputs import (
    ApproveTicket,
    CancelPlan,
    Command,
    Done,
    ProposePlan,
    RejectTicket,
    SetExit,
    SetTradingState,
)
from bot.model.legging import Legging, Style
from bot.model.plans import ApprovalMode, PlanKind, PlanSpec
from bot.model.trading_state import TradingState
from bot.surfaces import rolling_api, standing_api, views
from bot.surfaces.console import OnlyFromHere, console
from bot.surfaces.headers import SaysVersion
from bot.surfaces.looks_api import looks
from bot.surfaces.metrics import CONTENT_TYPE, Metrics
from bot.surfaces.plans_api import Basis, NewExit, NewRung, Pause, Size, even
from bot.surfaces.refusals import sentence
from bot.surfaces.served import Served
from bot.surfaces.transfers_api import Reason, Who, routes
from risk.approval import Denied
from risk.direction import Direction
from risk.terms import Kind


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


Least = Annotated[Decimal, Field(ge=0, allow_inf_nan=False, max_digits=16, decimal_places=8)]


class Approve(_Body):
    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    by: Who


class Reject(_Body):
    by: Who
    reason: Reason


class Trading(_Body):
    state: TradingState
    by: Who
    reason: Reason


class Adopt(_Body):
    """``hash``: of the differences the person saw (POST /reconcile)."""

    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    by: Who
    reason: Reason


class NewLegging(_Body):
    """``working``: the leg that goes first. ``style``: how it is priced. ``slop_ticks``: the profile's, left out."""

    working: Kind = Kind.LINEAR
    style: Style = Style.MARKETABLE
    slop_ticks: Annotated[int, Field(ge=0, le=1000)] | None = None
    reprices_per_minute: Annotated[int, Field(ge=1, le=120)] = 12
    min_lean_xbt: Least = Decimal(0)
    depth_multiple: Least = Decimal(0)

    def settled(self) -> Legging:
        return Legging(**dict(self))


class NewPlan(_Body):
    """``size_xbt`` may be left out to close everything. ``collateral``: hedge it first, or take it off last.
    ``legging``: how the pair is worked. ``ladder``: the tranches one by one, or ``ladder_from`` and ``ladder_to``: the
    basis of the first and the last of equal ones. ``exit``: when what is opened is to be closed again.
    ``approval``: sequential asks for the hedge leg once the other has filled."""

    kind: Literal[PlanKind.OPEN, PlanKind.CLOSE]
    direction: Direction
    size_xbt: Size | None = None
    tranches: Annotated[int, Field(ge=1, le=90)] = 1
    collateral: bool = True
    by: Who
    min_basis: Basis | None = None
    max_basis: Basis | None = None
    target_delta: Basis = Decimal(0)
    approval: ApprovalMode = ApprovalMode.ARMED
    legging: NewLegging = NewLegging()
    ladder: Annotated[list[NewRung], Field(max_length=90)] = []
    ladder_from: Basis | None = None
    ladder_to: Basis | None = None
    pause_seconds: Pause = 0.0
    exit: NewExit | None = None

    @model_validator(mode="after")
    def _can_be_met(self) -> "NewPlan":
        if self.min_basis is not None and self.max_basis is not None and self.min_basis > self.max_basis:
            raise ValueError(f"min_basis {self.min_basis} is above max_basis {self.max_basis}")
        if (self.ladder_from is None) is not (self.ladder_to is None):
            raise ValueError("ladder_from and ladder_to go together")
        if self.ladder and self.ladder_from is not None:
            raise ValueError("a ladder is given by its tranches, or by its two ends, not by both")
        return self


class SetExitOf(_Body):
    """``exit``: left out, what the plan has opened is not closed by itself any more."""

    exit: NewExit | None = None
    by: Who


class CancelledBy(_Body):
    by: Who


Every = Annotated[
    float | None,
    Query(
        gt=0, le=3600, description="A watchdog asks, every so many seconds: it is told of an end on purpose."
    ),
]


def create(served: Served, token: str) -> FastAPI:
    """Build the application. Every route but /livez needs the token."""
    engine = served.engine
    scheme = HTTPBearer(auto_error=False, description="The token from the bot's data folder (daemon.json).")

    def authorised(given: Annotated[HTTPAuthorizationCredentials | None, Depends(scheme)]) -> None:
        if given is None or not hmac.compare_digest(given.credentials.encode(), token.encode()):
            raise HTTPException(401, "this needs the token from the bot's data folder (daemon.json)")

    # Its documentation page loads nothing from elsewhere: the machine may see no network at all.
    mode, instance = served.about.get("mode"), served.about.get("instance")
    app = FastAPIOffline(
        title=f"basisbot {instance} ({mode})",
        version="1",
        redoc_url=None,
        description="To try requests here: *Authorize*, with the `token` from `daemon.json` in the data folder.",
    )
    guarded = [Depends(authorised)]
    metrics = Metrics(served)

    async def carry_out(command: Command) -> dict[str, Any]:
        return told(await engine.command(command))

    def told(answer: Done | Denied) -> dict[str, Any]:
        if isinstance(answer, Denied):
            raise HTTPException(
                409,
                {"code": answer.code, "limit": answer.limit, "given": answer.given, "text": sentence(answer)},
            )
        return {"done": answer.text}

    @app.get("/livez", summary="Alive? (stopped: on purpose, nothing is out)")
    async def livez(watchdog: Every = None) -> dict[str, str]:
        return {"status": served.life.asked(watchdog), "instance": str(instance)}

    @app.get("/readyz", summary="Do ledger and venues agree? (503: not yet)", dependencies=guarded)
    async def readyz() -> dict[str, Any]:
        if not engine.market.reconciled:
            raise HTTPException(503, "ledger and venues have not been found to agree yet")
        return {"status": "ready"}

    @app.get("/metrics", summary="Figures for a monitor (Prometheus)", dependencies=guarded)
    async def figures() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    @app.get("/status", summary="How things stand", dependencies=guarded)
    async def status() -> dict[str, Any]:
        return served.status()

    @app.get("/tickets", summary="The tickets that wait for a person", dependencies=guarded)
    async def tickets() -> list[dict[str, Any]]:
        return views.tickets(engine.state, engine.market, engine.policy, served.clock.now())

    @app.post(
        "/tickets/{ticket_id}/approve",
        summary="Approve a ticket, bound to its content hash",
        dependencies=guarded,
    )
    async def approve(ticket_id: str, body: Approve) -> dict[str, Any]:
        return await carry_out(ApproveTicket(ticket_id, body.hash, body.by))

    @app.post(
        "/tickets/{ticket_id}/reject",
        summary="Reject a ticket; its plan sends nothing more",
        dependencies=guarded,
    )
    async def reject(ticket_id: str, body: Reject) -> dict[str, Any]:
        return await carry_out(RejectTicket(ticket_id, body.by, body.reason))

    @app.get("/plans", summary="The plans, the newest last", dependencies=guarded)
    async def plans() -> list[dict[str, Any]]:
        """Return the latest plans, the newest last."""
        return views.plans(engine.state, engine.market, await asyncio.to_thread(served.older_plans))

    @app.post("/plans", summary="Propose a plan; tickets follow", dependencies=guarded)
    async def propose(body: NewPlan) -> dict[str, Any]:
        try:
            ladder = tuple(rung.settled() for rung in body.ladder)
            if body.ladder_from is not None and body.ladder_to is not None:
                ladder = even(
                    engine.state,
                    engine.market,
                    (served.inverse, served.linear),
                    body.direction,
                    body.kind,
                    body.size_xbt,
                    body.tranches,
                    (body.ladder_from, body.ladder_to),
                )
            spec = PlanSpec(
                plan_id=served.ids.new(),
                kind=body.kind,
                direction=body.direction,
                inverse=served.inverse,
                linear=served.linear,
                size_xbt=body.size_xbt,
                tranches=body.tranches,
                collateral=body.collateral,
                proposed_by=body.by,
                min_basis=body.min_basis,
                max_basis=body.max_basis,
                target_delta=body.target_delta,
                approval=body.approval,
                legging=body.legging.settled(),
                ladder=ladder,
                pause=body.pause_seconds,
                exit=None if body.exit is None else body.exit.settled(),
            )
        except ValueError as error:
            raise HTTPException(
                409, {"code": "PLAN_REFUSED", "limit": "", "given": "", "text": str(error)}
            ) from error
        return {**await carry_out(ProposePlan(spec)), "plan": spec.plan_id}

    @app.post(
        "/plans/{plan_id}/cancel",
        summary="Stop a plan; what has filled is still hedged",
        dependencies=guarded,
    )
    async def cancel(plan_id: str, body: CancelledBy) -> dict[str, Any]:
        return await carry_out(CancelPlan(plan_id, body.by))

    @app.post(
        "/plans/{plan_id}/exit",
        summary="Say when what a plan has opened is to be closed; nothing is sent without approval",
        dependencies=guarded,
    )
    async def set_exit(plan_id: str, body: SetExitOf) -> dict[str, Any]:
        try:
            rules = None if body.exit is None else body.exit.settled()
        except ValueError as error:
            raise HTTPException(
                409, {"code": "EXIT_REFUSED", "limit": "", "given": "", "text": str(error)}
            ) from error
        return await carry_out(SetExit(plan_id, rules, body.by))

    app.include_router(looks(served), dependencies=guarded)
    app.include_router(console())
    app.add_middleware(OnlyFromHere)
    app.add_middleware(SaysVersion, version=str(served.about.get("version", "")))
    app.include_router(
        routes(engine, served.clock, served.ids, served.silent, carry_out), dependencies=guarded
    )

    app.include_router(
        standing_api.routes(
            engine, served.clock, served.ids, served.current_inverses, served.current_months, carry_out
        ),
        dependencies=guarded,
    )
    app.include_router(rolling_api.routes(engine, served.ids, carry_out), dependencies=guarded)

    @app.post("/trading", summary="Enable, reduce, halt, disable", dependencies=guarded)
    async def trading(body: Trading) -> dict[str, Any]:
        if body.state.starts_orders:
            if not engine.market.reconciled:
                differences = "; ".join(engine.state.last_differences or ("not compared yet",))
                text = f"ledger and venues must agree first: {differences}"
                raise HTTPException(409, {"code": "NOT_RECONCILED", "limit": "", "given": "", "text": text})
            held = served.unlatch()
            if held is not None:
                raise HTTPException(409, {"code": "FLATTEN_AT_WORK", "limit": "", "given": "", "text": held})
        return await carry_out(SetTradingState(body.state, body.by, body.reason))

    @app.post("/reconcile", summary="Hold the ledger against the venues now", dependencies=guarded)
    async def reconcile() -> dict[str, Any]:
        """Hold the ledger against the venues now."""
        try:
            return views.comparison(await served.reconcile())
        except VenueError as error:
            raise HTTPException(503, f"not compared: {error}") from error

    @app.post(
        "/reconcile/adopt",
        summary="Adopt the differences that were seen, and no others",
        dependencies=guarded,
    )
    async def adopt(body: Adopt) -> dict[str, Any]:
        """Adopt exactly the differences that were seen."""
        try:
            answer = told(await served.adopt(body.hash, body.by, body.reason))
        except VenueError as error:
            raise HTTPException(503, f"nothing was adopted: {error}") from error
        return {
            **answer,
            "reconciled": engine.market.reconciled,
            "differences": list(engine.state.last_differences or ()),
        }

    @app.get("/events", summary="What happened after a sequence number", dependencies=guarded)
    async def events(after: Annotated[int, Field(ge=0)] = 0, wait: bool = False) -> list[dict[str, Any]]:
        """Return the events after a sequence number, oldest first; ``wait``: up to ten seconds for one."""
        for _ in range(100 if wait else 1):
            found = served.recent.after(after)
            if found or not wait:
                break
            await asyncio.sleep(0.1)
        return found

    return app
