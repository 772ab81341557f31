"""The broker's refusals and warnings: code and words."""

from dataclasses import dataclass

from adapters.simulator.exchange.refusal import ExchangeRefusal, RefusalCode

NO_ID = -1
"""The id of a message about no request."""


REJECTED = 201
CANCELED = 202
ORDER_MESSAGE = 399


@dataclass(frozen=True, slots=True)
class ApiError:
    """What the broker says with an error message."""

    code: int
    text: str


class Refuse(Exception):
    """Raised by whatever refuses a request; the link survives it."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(f"{error.code}: {error.text}")
        self.error = error


MAX_RATE = ApiError(100, "Max rate of messages per second has been exceeded.")
DUPLICATE_ID = ApiError(103, "Duplicate order id")
FILLED = ApiError(104, "Cannot modify a filled order.")
OTHER_ORDER = ApiError(105, "Order being modified does not match original order.")
OFF_TICK = ApiError(110, "The price does not conform to the minimum price variation for this contract.")
OUT_OF_BAND = ApiError(
    163,
    "The price specified would violate the percentage constraint specified in the default order settings.",
)
NO_CONTRACT = ApiError(200, "No security definition has been found for the request")
AMBIGUOUS = ApiError(200, "The contract description specified is ambiguous.")
NO_SUCH_TICKER = ApiError(300, "Can't find EId with tickerId:")
NO_SUCH_DEPTH = ApiError(310, "Can't find the subscribed market depth with tickerId:")
TOO_MUCH_DEPTH = ApiError(309, "Max number (3) of market depth requests has been reached.")
ID_IN_USE = ApiError(
    326, "Unable to connect as the client id is already in use. Retry with a unique client id."
)
NOT_SUBSCRIBED = ApiError(354, "Requested market data is not subscribed.")
OTHER_TYPE = ApiError(329, "Order modify failed. Cannot change to the new order type.")
UNSUPPORTED_TYPE = ApiError(387, "Unsupported order type for this exchange and security type.")
BAD_TIME = ApiError(
    391,
    "The time or time-zone entered is invalid. The correct format is 'yyyymmdd hh:mm:ss xxx' or"
    " 'yyyymmdd-hh:mm:ss' (UTC).",
)
ZERO_SIZE = ApiError(434, "The order size cannot be zero.")
TOO_MANY_SUMMARIES = ApiError(
    322, "Error processing request.-'bV' : cause - Maximum number of account summary requests exceeded"
)
DUPLICATE_TICKER = ApiError(322, "Error processing request.-'bT' : cause - Duplicate ticker id")
PRESET_TIF = ApiError(10349, "Order TIF was set to DAY based on order preset.")

LINK_LOST = ApiError(1100, "Connectivity between IB and Trader Workstation has been lost.")
DATA_LOST = ApiError(1101, "Connectivity between IB and TWS has been restored - data lost.")
DATA_KEPT = ApiError(1102, "Connectivity between IB and TWS has been restored - data maintained.")
LINK_BROKEN = ApiError(
    2110, "Connectivity between TWS and server is broken. It will be restored automatically."
)
COMPETING = ApiError(10197, "No market data during competing live session")

MARKET_FARM_BROKEN = ApiError(2103, "Market data farm connection is broken:usfuture")
MARKET_FARM_OK = ApiError(2104, "Market data farm connection is OK:usfuture")
HISTORY_FARM_BROKEN = ApiError(2105, "HMDS data farm connection is broken:ushmds")
HISTORY_FARM_OK = ApiError(2106, "HMDS data farm connection is OK:ushmds")
HISTORY_FARM_INACTIVE = ApiError(
    2107, "HMDS data farm connection is inactive but should be available upon demand.ushmds"
)
MARKET_FARM_INACTIVE = ApiError(
    2108, "Market data farm connection is inactive but should be available upon demand.usfuture"
)
CONTRACT_FARM_OK = ApiError(2158, "Sec-def data farm connection is OK:secdefil")


def unreadable(cause: str) -> ApiError:
    return ApiError(320, f"Server error when reading an API client request. {cause}")


def invalid(cause: str) -> ApiError:
    return ApiError(321, f"Error validating request.-'bN' : cause - {cause}")


def rejected(reason: str) -> ApiError:
    return ApiError(REJECTED, f"Order rejected - reason:{reason}")


def canceled(reason: str) -> ApiError:
    return ApiError(CANCELED, f"Order Canceled - reason:{reason}")


BUSY = rejected("The exchange cannot take the order now.")
MARKET_RESERVED = rejected("Market orders are not accepted while the market is closed or reserved.")


def held(order: str, until: str) -> ApiError:
    return ApiError(
        ORDER_MESSAGE,
        f"Order Message:\n{order}\nWarning: Your order will not be placed at the exchange until {until}.",
    )


OUTSIDE_RTH_IGNORED = ApiError(
    2109,
    "Order Event Warning: Attribute 'Outside Regular Trading Hours' is ignored based on the order type and"
    " destination. PlaceOrder is now being processed.",
)


def cancel_not_found(order_id: int) -> ApiError:
    return ApiError(10147, f"OrderId {order_id} that needs to be cancelled is not found.")


def cancel_too_late(order_id: int, state: str) -> ApiError:
    return ApiError(
        10148, f"OrderId {order_id} that needs to be cancelled cannot be cancelled, state: {state}."
    )


def not_cancellable(perm_id: int) -> ApiError:
    return ApiError(
        161, f"Cancel attempted when order is not in a cancellable state. Order permId = {perm_id}"
    )


UNSERVED = invalid("This simulator does not serve the request")


def of_refusal(refusal: ExchangeRefusal) -> ApiError:
    """Return the broker's words for what the exchange refused."""
    if refusal.code is RefusalCode.TICK:
        return OFF_TICK
    if refusal.code is RefusalCode.PRICE_BAND:
        return OUT_OF_BAND
    if refusal.code in (RefusalCode.UNKNOWN_SYMBOL, RefusalCode.EXPIRED_CONTRACT):
        return NO_CONTRACT
    if refusal.code is RefusalCode.NOT_SUPPORTED:
        return UNSUPPORTED_TYPE
    if refusal.code is RefusalCode.SESSION_CLOSED:
        return rejected("Exchange is closed.")
    if refusal.code is RefusalCode.INSUFFICIENT_MARGIN:
        return rejected(_margin_words(refusal))
    return rejected(refusal.message)


def _margin_words(refusal: ExchangeRefusal) -> str:
    figures = [refusal.data.get(name) for name in ("available", "required")]
    available, required = ("?" if f is None else f"{f / 100_000_000:.2f} USD" for f in figures)
    return (
        "YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION YOUR AVAILABLE FUNDS"
        f" [{available}] MUST BE SUFFICIENT FOR THE CHANGE IN INITIAL MARGIN [{required}]"
    )
