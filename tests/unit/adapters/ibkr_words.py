"""The gateway's words as ib_async hands them over, and a blotter that hears them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from ib_async.contract import Contract
from ib_async.objects import CommissionReport as IbCommission
from ib_async.objects import Execution
from ib_async.order import Order, OrderState

from adapters.ibkr.blotter import Blotter, Told
from adapters.ibkr.contracts import Contracts
from adapters.ibkr.orders import OrderRecord
from adapters.ibkr.receiver import StatusWord
from adapters.ibkr.settings import ContractSettings, IbkrSettings
from risk.instruments import InstrumentId
from risk.orders import CommissionReport, Fill, OrderRequest, OrderUpdate, Side, TimeInForce

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
OURS, THEIRS = 7, 8
ORDER_ID, PERM_ID = 5, 77
MBT = InstrumentId("cme", "MBTZ26")
SETTINGS = IbkrSettings(
    host="h",
    port=4002,
    client_id=OURS,
    account="DU1",
    contracts={"MBTZ26": ContractSettings("MBT", "MBT", "202612", Decimal("0.1"), Decimal(5))},
)


class StillClock:
    def now(self) -> datetime:
        return NOON

    def monotonic(self) -> float:
        return 0.0


def contract(**changes: object) -> Contract:
    plain: dict[str, object] = {
        "secType": "FUT",
        "conId": 1,
        "symbol": "MBT",
        "tradingClass": "MBT",
        "localSymbol": "MBTZ6",
        "lastTradeDateOrContractMonth": "20261224",
        "multiplier": "0.1",
    }
    return Contract(**(plain | changes))  # type: ignore[arg-type]


@dataclass
class Gateway:
    """Says things to a blotter; ``told`` is what came out, ``doubted`` what must be asked about."""

    told: list[Told] = field(default_factory=list)
    doubted: list[OrderRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.blotter = Blotter(SETTINGS, StillClock(), Contracts(SETTINGS), self.told.append)
        self.blotter.doubted = self.doubted.append

    def record(self, quantity: int = 5) -> OrderRecord:
        request = OrderRequest("p1", MBT, Side.BUY, quantity, Decimal(100_000), TimeInForce.GTC)
        return OrderRecord.of_request(request, OURS, ORDER_ID)

    def open_order(self, status: str, **changes: object) -> None:
        plain: dict[str, object] = {
            "orderId": ORDER_ID,
            "clientId": OURS,
            "permId": PERM_ID,
            "action": "BUY",
            "totalQuantity": 5.0,
            "lmtPrice": 100000.0,
            "orderRef": "p1",
            "account": "DU1",
        }
        order = Order(**(plain | changes))  # type: ignore[arg-type]
        self.blotter.open_order(contract(), order, OrderState(status=status))

    def status(self, status: str, filled: float = 0, remaining: float = 5, why_held: str = "") -> None:
        self.blotter.order_status(StatusWord(ORDER_ID, OURS, PERM_ID, status, filled, remaining, why_held))

    def error(self, code: int, text: str = "why") -> None:
        self.blotter.order_error(ORDER_ID, code, text)

    def executed(self, exec_id: str, shares: float, live: bool = True, **changes: object) -> None:
        plain: dict[str, object] = {
            "execId": exec_id,
            "time": NOON,
            "acctNumber": "DU1",
            "side": "BOT",
            "shares": shares,
            "price": 100000.0,
            "permId": PERM_ID,
            "clientId": OURS,
            "orderId": ORDER_ID,
            "orderRef": "p1",
        }
        execution = Execution(**(plain | changes))  # type: ignore[arg-type]
        self.blotter.execution(contract(), execution, live)

    def charged(self, exec_id: str, commission: float, currency: str = "USD") -> None:
        self.blotter.commission(IbCommission(exec_id, commission, currency))

    @property
    def updates(self) -> list[tuple[str, int]]:
        """Status and filled of each order update, in order."""
        return [(u.status.value, u.filled) for u in self.told if isinstance(u, OrderUpdate)]

    @property
    def fills(self) -> list[Fill]:
        return [f for f in self.told if isinstance(f, Fill)]

    @property
    def fees(self) -> list[CommissionReport]:
        return [f for f in self.told if isinstance(f, CommissionReport)]
