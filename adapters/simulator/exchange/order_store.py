"""Every order of an exchange, by its ids and by who owns it."""

from collections.abc import Iterable

from adapters.simulator.exchange.orders import ExecKind, Execution, Liquidity, SimOrder


class OrderStore:
    def __init__(self) -> None:
        self._orders: dict[str, SimOrder] = {}
        self._by_client: dict[tuple[str, str], str] = {}
        self._live: dict[str, None] = {}
        self._executions: list[Execution] = []
        self._standing: dict[tuple[str, str], dict[str, Execution]] = {}

    def put(self, order: SimOrder) -> None:
        """Keep the newest state of an order."""
        if order.order_id not in self._orders and order.client_id:
            self._by_client[order.account, order.client_id] = order.order_id
        self._orders[order.order_id] = order
        if order.status.is_final:
            self._live.pop(order.order_id, None)
        else:
            self._live[order.order_id] = None

    def get(self, order_id: str) -> SimOrder | None:
        return self._orders.get(order_id)

    def by_client_id(self, account: str, client_id: str) -> SimOrder | None:
        order_id = self._by_client.get((account, client_id))
        return None if order_id is None else self._orders[order_id]

    def of(self, account: str) -> list[SimOrder]:
        return [order for order in self._orders.values() if order.account == account]

    def live(self, account: str | None = None, symbol: str | None = None) -> list[SimOrder]:
        """Return orders that are not final, oldest first."""
        orders = (self._orders[order_id] for order_id in self._live)
        return [
            order
            for order in orders
            if (account is None or order.account == account) and (symbol is None or order.symbol == symbol)
        ]

    def record(self, execution: Execution) -> None:
        self._executions.append(execution)
        if execution.kind.moves_position:
            standing = self._standing.setdefault((execution.account, execution.symbol), {})
            standing[execution.first.exec_id] = execution

    def standing(self, account: str, symbol: str) -> list[Execution]:
        """Return what has moved a position, each as it stands now and in the order of what it first was."""
        return list(self._standing.get((account, symbol), {}).values())

    def restand(self, account: str, symbol: str, executions: Iterable[Execution]) -> None:
        """Put executions in the place of those they were."""
        self._standing[account, symbol].update({one.first.exec_id: one for one in executions})

    def other_side(self, trade: Execution) -> Execution | None:
        """Return the first telling of what another account did in the same match, None if the market did it."""
        for one in self._executions:
            if (
                one.kind is ExecKind.TRADE
                and abs(one.number - trade.number) == 1
                and (one.symbol, one.at, one.price) == (trade.symbol, trade.at, trade.price)
                and (one.side, one.quantity) == (trade.side.opposite, trade.quantity)
                and {one.liquidity, trade.liquidity} == set(Liquidity)
                and one.account != trade.account
            ):
                return one
        return None

    def executions(self, account: str) -> list[Execution]:
        return [execution for execution in self._executions if execution.account == account]
