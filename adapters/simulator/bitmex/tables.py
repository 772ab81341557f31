"""The websocket's tables: their keys, and what a ``partial`` says of their columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from adapters.simulator.bitmex import schema
from adapters.simulator.bitmex.wire import Row

BIN_NAMES = ("1m", "5m", "1h", "1d")
_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Table:
    """``always``: columns an update carries beside the keys even when unchanged, as the venue sends them."""

    name: str
    keys: tuple[str, ...]
    types: Mapping[str, str]
    private: bool = False
    always: tuple[str, ...] = ("timestamp",)
    by_symbol: bool = True
    foreign_keys: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({"symbol": "instrument"})
    )
    attributes: Mapping[str, str] = field(default_factory=lambda: _NONE)

    def key(self, row: Row) -> tuple[object, ...]:
        return tuple(row[column] for column in self.keys)

    def change(self, before: Row, after: Row) -> Row | None:
        """Return the update row from ``before`` to ``after``: keys and what changed; None if nothing did."""
        changed = [
            column for column in after if column != "timestamp" and before.get(column) != after[column]
        ]
        if not changed:
            return None
        kept = {*self.keys, *self.always, *changed}
        return {column: after[column] for column in after if column in kept}


_HISTORY = {"timestamp": "sorted", "symbol": "grouped"}
_ACCOUNT = {"account": "sorted", "currency": "grouped"}

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table(
            "order",
            ("orderID",),
            schema.ORDER.types,
            private=True,
            always=("clOrdID", "account", "symbol", "timestamp"),
            foreign_keys={"symbol": "instrument", "side": "side", "ordStatus": "ordStatus"},
            attributes={
                "orderID": "grouped",
                "account": "grouped",
                "ordStatus": "grouped",
                "workingIndicator": "grouped",
            },
        ),
        Table(
            "execution",
            ("execID",),
            schema.EXECUTION.types,
            private=True,
            foreign_keys={"symbol": "instrument", "side": "side", "ordStatus": "ordStatus"},
            attributes={
                "execID": "grouped",
                "account": "grouped",
                "execType": "grouped",
                "transactTime": "sorted",
            },
        ),
        Table(
            "position",
            ("account", "symbol", "currency"),
            schema.POSITION.types,
            private=True,
            always=("currentQty", "timestamp"),
            attributes={**_ACCOUNT, "symbol": "grouped", "underlying": "grouped", "quoteCurrency": "grouped"},
        ),
        Table(
            "margin",
            ("account", "currency"),
            schema.MARGIN.types,
            private=True,
            by_symbol=False,
            foreign_keys=_NONE,
            attributes=_ACCOUNT,
        ),
        Table(
            "wallet",
            ("account", "currency"),
            schema.WALLET.types,
            private=True,
            by_symbol=False,
            foreign_keys=_NONE,
            attributes=_ACCOUNT,
        ),
        Table("instrument", ("symbol",), schema.INSTRUMENT.types, attributes={"symbol": "unique"}),
        Table("quote", (), schema.QUOTE.types, attributes=_HISTORY),
        Table("trade", (), schema.TRADE.types, attributes=_HISTORY),
        Table(
            "funding",
            ("timestamp", "symbol"),
            schema.FUNDING.types,
            attributes=_HISTORY,
        ),
        Table("settlement", ("timestamp", "symbol"), schema.SETTLEMENT.types, attributes=_HISTORY),
        Table(
            "liquidation",
            ("orderID",),
            schema.LIQUIDATION.types,
            foreign_keys={"symbol": "instrument", "side": "side"},
            attributes={"orderID": "unique"},
        ),
        Table(
            "insurance",
            ("currency", "timestamp"),
            schema.INSURANCE.types,
            by_symbol=False,
            foreign_keys=_NONE,
            attributes={"currency": "sorted", "timestamp": "sorted"},
        ),
        Table("announcement", ("id",), schema.ANNOUNCEMENT.types, by_symbol=False, foreign_keys=_NONE),
        Table(
            "transact",
            ("transactID",),
            schema.TRANSACTION.types,
            private=True,
            by_symbol=False,
            foreign_keys=_NONE,
            attributes={"transactID": "unique", "transactTime": "sorted"},
        ),
        *(Table(f"tradeBin{name}", (), schema.TRADE_BIN.types, attributes=_HISTORY) for name in BIN_NAMES),
        *(Table(f"quoteBin{name}", (), schema.QUOTE.types, attributes=_HISTORY) for name in BIN_NAMES),
        Table(
            "orderBook10",
            ("symbol",),
            {"symbol": "symbol", "bids": "", "asks": "", "timestamp": "timestamp"},
            always=("bids", "asks", "timestamp"),
            attributes={"symbol": "sorted"},
        ),
        *(
            Table(
                name,
                ("symbol", "id", "side"),
                schema.BOOK_L2.types,
                foreign_keys={"symbol": "instrument", "side": "side"},
                attributes={"symbol": "parted", "id": "sorted"},
            )
            for name in ("orderBookL2", "orderBookL2_25")
        ),
    )
}
