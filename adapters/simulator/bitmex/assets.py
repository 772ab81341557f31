"""What the wallet can hold: bitcoin, and nothing else here."""

from adapters.simulator.bitmex.schema import ASSETS_CONFIG, NETWORKS_CONFIG
from adapters.simulator.bitmex.wire import Row

_WITHDRAWAL_FEE = 20_000
"""Satoshi."""


def bitcoin_row() -> Row:
    """Return bitcoin as GET /wallet/assets describes it. Fees in satoshi; ``scale`` its decimals."""
    return ASSETS_CONFIG.row(
        asset="XBT",
        currency="XBt",
        majorCurrency="XBT",
        name="Bitcoin",
        currencyType="Crypto",
        scale=8,
        enabled=True,
        isMarginCurrency=True,
        memoRequired=False,
        networks=[
            {
                "asset": "btc",
                "tokenAddress": "",
                "depositEnabled": True,
                "withdrawalEnabled": True,
                "withdrawalFee": _WITHDRAWAL_FEE,
                "minFee": _WITHDRAWAL_FEE,
                "maxFee": 10_000_000,
            }
        ],
    )


def network_row() -> Row:
    """Return the bitcoin network as GET /wallet/networks describes it."""
    return NETWORKS_CONFIG.row(
        network="btc",
        name="Bitcoin",
        currency="XBt",
        networkSymbol="BTC",
        depositConfirmations=1,
        enabled=True,
    )
