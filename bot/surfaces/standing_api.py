"""The routes of standing approvals: draft one to look at it, record exactly that, revoke it."""

from collections.abc import Awaitable, Callable
from datetime import UTC, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from adapters.clock import Clock, IdSource
from bot.engine import Engine
from bot.model.inputs import Command, GrantStanding, RevokeStanding
from bot.orders import standing
from bot.surfaces.refusals import sentence
from bot.surfaces.standing_view import standing_view
from bot.surfaces.transfers_api import Reason, Who
from risk.approval import Denied
from risk.direction import Direction
from risk.instruments import InstrumentId
from risk.standing import StandingApproval, Use, scopes_for

Size = Annotated[Decimal, Field(gt=0, allow_inf_nan=False, max_digits=16, decimal_places=8)]
Price = Annotated[Decimal, Field(gt=0, allow_inf_nan=False, max_digits=16, decimal_places=2)]
Basis = Annotated[Decimal, Field(allow_inf_nan=False, max_digits=16, decimal_places=8)]


class Wanted(BaseModel):
    """What it is for, and how much of it. Prices that are left out are as wide as the profile allows.

    ``max_delta_xbt``: by how much one action may change Δ. It ends at ``ends_at``, or after ``days``.
    ``either_venue``: the collateral may be hedged at the other venue too."""

    model_config = ConfigDict(extra="forbid")
    uses: Annotated[list[Use], Field(min_length=1, max_length=len(Use))]
    direction: Direction
    daily_xbt: Size
    total_xbt: Size
    max_delta_xbt: Size
    days: Annotated[float, Field(gt=0, le=10_000)] | None = None
    ends_at: AwareDatetime | None = None
    max_ticket_xbt: Size | None = None
    min_basis: Basis | None = None
    max_basis: Basis | None = None
    price_low: Price | None = None
    price_high: Price | None = None
    either_venue: bool = False
    by: Who


class Seen(Wanted):
    """A draft as it was shown: ``standing`` is its id, ``hash`` of its content."""

    standing: Annotated[str, Field(pattern=r"^[0-9a-z]{1,12}$")]
    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class Revoked(BaseModel):
    model_config = ConfigDict(extra="forbid")
    by: Who
    reason: Reason


def routes(
    engine: Engine,
    clock: Clock,
    ids: IdSource,
    inverses: Callable[[], tuple[InstrumentId, ...]],
    months: Callable[[], tuple[InstrumentId, ...]],
    carry_out: Callable[[Command], Awaitable[dict[str, Any]]],
) -> APIRouter:
    router = APIRouter()

    def made(body: Wanted, standing_id: str) -> StandingApproval:
        (linear, *later), (inverse, *beyond) = months(), inverses()
        low, high = _band(engine, (inverse, linear))
        ends_at = body.ends_at
        if ends_at is None:
            if body.days is None:
                raise _refused(
                    Denied("STANDING_REFUSED", "it must end: say when, or after how many days", "")
                )
            ends_at = (clock.now() + timedelta(days=body.days)).replace(microsecond=0)
        try:
            return StandingApproval(
                standing_id=standing_id,
                scopes=scopes_for(
                    body.uses,
                    body.direction,
                    inverse,
                    linear,
                    either_venue=body.either_venue,
                    next_linear=later[0] if later else None,
                    next_inverse=beyond[0] if beyond else None,
                ),
                daily_xbt=body.daily_xbt,
                total_xbt=body.total_xbt,
                max_delta_xbt=body.max_delta_xbt,
                price_low=body.price_low or low,
                price_high=body.price_high or high,
                ends_at=ends_at.astimezone(UTC),
                by=body.by,
                min_basis=body.min_basis,
                max_basis=body.max_basis,
                max_ticket_xbt=body.max_ticket_xbt,
            )
        except ValueError as error:
            raise _refused(Denied("STANDING_REFUSED", str(error), "")) from error

    @router.get("/standing", summary="Standing approvals, and what is left of each")
    async def listed() -> list[dict[str, Any]]:
        now = clock.now()
        held = standing.suspension(engine.state, engine.market, engine.policy, now)
        return [
            standing_view(each.approval, engine.state.instruments, now, each, held)
            for each in engine.state.standing.values()
        ]

    @router.post("/standing/draft", summary="What a standing approval would allow; nothing is recorded")
    async def draft(body: Wanted) -> dict[str, Any]:
        wanted = made(body, ids.new())
        denied = standing.objection(engine.state, engine.market, engine.policy, wanted, clock.now())
        if denied is not None:
            raise _refused(denied)
        return {
            **standing_view(wanted, engine.state.instruments, clock.now()),
            "record": {
                **body.model_dump(mode="json"),
                "days": None,
                "ends_at": wanted.ends_at.isoformat(),
                "price_low": format(wanted.price_low, "f"),
                "price_high": format(wanted.price_high, "f"),
                "standing": wanted.standing_id,
                "hash": wanted.content_hash(),
            },
        }

    @router.post("/standing", summary="Record a standing approval, bound to the hash of its draft")
    async def record(body: Seen) -> dict[str, Any]:
        given = made(body, body.standing)
        return {**await carry_out(GrantStanding(given, body.hash)), "standing": given.standing_id}

    @router.post("/standing/{standing_id}/revoke", summary="Revoke; what has filled is still hedged")
    async def revoke(standing_id: str, body: Revoked) -> dict[str, Any]:
        return await carry_out(RevokeStanding(standing_id, body.by, body.reason))

    return router


def _band(engine: Engine, instruments: tuple[InstrumentId, ...]) -> tuple[Decimal, Decimal]:
    """Return the widest prices (to ten dollars, inwards) that the profile allows around those of both contracts now."""
    prices = [price for key in instruments if (price := engine.market.last_mids.get(key)) is not None]
    if not prices:
        raise _refused(Denied("STANDING_REFUSED", "there is no price yet to hold it against", ""))
    band, ten = engine.policy.standing.price_band, Decimal(10)
    low = (max(prices) * (1 - band) / ten).to_integral_value(ROUND_CEILING) * ten
    high = (min(prices) * (1 + band) / ten).to_integral_value(ROUND_FLOOR) * ten
    return low, high


def _refused(denied: Denied) -> HTTPException:
    told = {"code": denied.code, "limit": denied.limit, "given": denied.given, "text": sentence(denied)}
    return HTTPException(409, told)
