"""Every order of an exchange, by its ids and by who owns it."""

from adapters.simulator.exchange.orders import Execution, SimOrder


class OrderStore:
    def __init__(self) -> None:
        self._orders: dict[str, SimOrder] = {}
        self._by_client: dict[tuple[str, str], str] = {}
        self._live: dict[str, None] = {}
        self._executions: list[Execution] = []

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

    def executions(self, account: str) -> list[Execution]:
        return [execution for execution in self._executions if execution.account == account]
