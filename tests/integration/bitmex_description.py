"""The venue's own API description, and a checker that holds rows against it.

The description stands beside the project (``../shared/bitmex/swagger.json``); where it does not, what it
says of the rows served here is read from the stand-in committed as ``bitmex_fields.json``.
Run this file as a script to write the stand-in anew.
"""

import json
import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

DESCRIPTION = Path(__file__).parents[3] / "shared" / "bitmex" / "swagger.json"
STAND_IN = Path(__file__).with_name("bitmex_fields.json")

# What the venue sends although its description of May 2024 does not list it.
UNLISTED = {
    "Order": {"strategy": "string", "error": "string"},
    "Execution": {"strategy": "string", "realisedPnl": "integer"},
    "Position": {"strategy": "string"},
}
# An error row of an order that was never found has no other fields than these.
NOT_FOUND = ({"orderID", "error"}, {"clOrdID", "error"})
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

SERVED = {
    "/announcement": "Announcement",
    "/announcement/urgent": "Announcement",
    "/apiKey": "APIKey",
    "/execution": "Execution",
    "/execution/tradeHistory": "Execution",
    "/funding": "Funding",
    "/instrument": "Instrument",
    "/instrument/active": "Instrument",
    "/instrument/activeAndIndices": "Instrument",
    "/instrument/activeIntervals": "InstrumentInterval",
    "/instrument/compositeIndex": "IndexComposite",
    "/instrument/indices": "Instrument",
    "/insurance": "Insurance",
    "/liquidation": "Liquidation",
    "/order": "Order",
    "/orderBook/L2": "OrderBookL2",
    "/position": "Position",
    "/quote": "Quote",
    "/quote/bucketed": "Quote",
    "/settlement": "Settlement",
    "/stats": "Stats",
    "/stats/history": "StatsHistory",
    "/stats/historyUSD": "StatsUSD",
    "/trade": "Trade",
    "/trade/bucketed": "TradeBin",
    "/user": "User",
    "/user/commission": "UserCommissionsBySymbol",
    "/user/executionHistory": "Execution",
    "/user/margin": "Margin",
    "/user/quoteFillRatio": "QuoteFillRatio",
    "/user/quoteValueRatio": "QuoteValueRatio",
    "/user/tradingVolume": "TradingVolume",
    "/user/wallet": "Wallet",
    "/user/walletHistory": "Transaction",
    "/user/walletSummary": "WalletSummaryRecord",
    "/wallet/assets": "AssetsConfig",
    "/wallet/networks": "NetworksConfig",
}
ACTS = {
    "POST /order": "Order",
    "PUT /order": "Order",
    "DELETE /order": "Order",
    "DELETE /order/all": "Order",
    "POST /order/closePosition": "Order",
    "POST /position/isolate": "Position",
    "POST /position/leverage": "Position",
    "POST /position/riskLimit": "Position",
    "POST /position/transferMargin": "Position",
}
BINS = [f"{kind}Bin{size}" for kind in ("trade", "quote") for size in ("1m", "5m", "1h", "1d")]
TABLES = {
    "announcement": "Announcement",
    "order": "Order",
    "execution": "Execution",
    "position": "Position",
    "margin": "Margin",
    "wallet": "Wallet",
    "transact": "Transaction",
    "instrument": "Instrument",
    "insurance": "Insurance",
    "liquidation": "Liquidation",
    "quote": "Quote",
    "settlement": "Settlement",
    "trade": "Trade",
    "funding": "Funding",
    "orderBookL2": "OrderBookL2",
    "orderBookL2_25": "OrderBookL2",
    **{name: "TradeBin" if name.startswith("trade") else "Quote" for name in BINS},
}


def described() -> Any:
    """Return the venue's words: the fields of each row type, and the row type of each path."""
    swagger = json.loads(DESCRIPTION.read_text())
    definitions = swagger["definitions"]
    return {
        "fields": {
            name: {
                field: [told.get("type", "object"), told.get("format", "")]
                for field, told in sorted(definitions[name].get("properties", {}).items())
            }
            for name in sorted(set(SERVED.values()))
        },
        "required": {
            name: sorted(definitions[name].get("required", [])) for name in sorted(set(SERVED.values()))
        },
        "paths": {path: _row_type(swagger["paths"][path]["get"]) for path in sorted(SERVED)},
        "acts": {act: _row_type(_operation(swagger, act)) for act in sorted(ACTS)},
    }


def _operation(swagger: Any, act: str) -> Any:
    verb, path = act.split()
    return swagger["paths"][path][verb.lower()]


def _row_type(operation: Any) -> str:
    answer = operation["responses"]["200"]["schema"]
    reference: str = answer.get("items", answer)["$ref"]
    return reference.rpartition("/")[2]


def description() -> Any:
    return described() if DESCRIPTION.exists() else json.loads(STAND_IN.read_text())


def check(name: str, row: Any, fields: Any) -> None:
    """Raise AssertionError unless ``row`` has each field of its type and no other, each of its kind."""
    if name == "Order" and set(row) in NOT_FOUND:
        return
    unlisted = UNLISTED.get(name, {})
    assert set(fields[name]) - set(row) == set(), f"{name}: missing"
    assert set(row) - set(fields[name]) <= unlisted.keys(), f"{name}: unlisted"
    check_values(name, row, fields)


def check_values(name: str, row: Any, fields: Any) -> None:
    for field, value in row.items():
        kind, form = fields[name].get(field) or (UNLISTED[name][field], "")
        check_value(f"{name}.{field}", value, kind, form)


def check_value(where: str, value: Any, kind: str, form: str) -> None:
    if value is None:
        return
    match kind:
        case "string":
            assert isinstance(value, str), where
            if form == "date-time":
                assert value.endswith("Z"), where
                datetime.fromisoformat(value)
            if form == "guid":
                assert GUID.fullmatch(value), where
        case "integer":
            assert type(value) is int, where
        case "number":
            assert type(value) in (int, Decimal), where
        case "boolean":
            assert isinstance(value, bool), where
        case "array":
            assert isinstance(value, list), where
        case _:
            assert isinstance(value, dict), where


def rows_of(body: Any) -> list[Any]:
    return body if isinstance(body, list) else [body]


if __name__ == "__main__":
    STAND_IN.write_text(json.dumps(described(), indent=1) + "\n")
