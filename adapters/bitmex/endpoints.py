"""The part of BitMEX's REST interface this adapter uses."""

from enum import Enum

API_ROOT = "/api/v1/"


class Endpoint(Enum):
    INSTRUMENTS = ("GET", "instrument")
    API_KEYS = ("GET", "apiKey")
    ORDERS = ("GET", "order")
    PLACE = ("POST", "order")
    CANCEL = ("DELETE", "order")
    CANCEL_ALL = ("DELETE", "order/all")
    CANCEL_ALL_AFTER = ("POST", "order/cancelAllAfter")
    EXECUTIONS = ("GET", "execution")
    POSITIONS = ("GET", "position")
    MARGIN = ("GET", "user/margin")
    WALLET_HISTORY = ("GET", "user/walletHistory")

    @property
    def verb(self) -> str:
        return self.value[0]

    @property
    def path(self) -> str:
        return self.value[1]
