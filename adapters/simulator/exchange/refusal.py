"""Why the exchange says no. A refused order does not exist."""

from enum import StrEnum


class RefusalCode(StrEnum):
    UNKNOWN_ACCOUNT = "unknown_account"
    UNKNOWN_SYMBOL = "unknown_symbol"
    UNKNOWN_ORDER = "unknown_order"
    ORDER_FINAL = "order_final"
    UNKNOWN_TRADE = "unknown_trade"
    EXPIRED_CONTRACT = "expired_contract"
    QUANTITY = "quantity"
    LOT = "lot"
    TICK = "tick"
    PRICE = "price"
    EXPIRES_AT = "expires_at"
    NOT_SUPPORTED = "not_supported"
    DUPLICATE_CLIENT_ID = "duplicate_client_id"
    TOO_MANY_ORDERS = "too_many_orders"
    SESSION_CLOSED = "session_closed"
    INSUFFICIENT_MARGIN = "insufficient_margin"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    STOP_PRICE = "stop_price"
    PRICE_BAND = "price_band"
    RISK_LIMIT = "risk_limit"
    LEVERAGE = "leverage"
    NO_POSITION = "no_position"


class ExchangeRefusal(Exception):
    """Raised for a request that changed nothing. ``data`` holds the numbers behind the words.

    INSUFFICIENT_MARGIN: ``required`` and ``available``, units. LOT: ``lot``. TICK: ``tick``, cents.
    PRICE_BAND: ``low`` and ``high``, cents. RISK_LIMIT: ``required`` and ``limit``, units.
    """

    def __init__(self, code: RefusalCode, message: str, **data: int) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data
