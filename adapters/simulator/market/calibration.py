"""The generated market as the recorded one was: numbers measured on public data, and the parameters they gave.

Measured, 2018–2020 (hourly closes of CME and XBTUSD, 157 weekends, XBTUSD by the minute in spring 2020, bid and
ask by the second in June 2019). All ratios; the tests hold the generated market to them loosely.
"""

from dataclasses import dataclass, replace

from adapters.simulator.scenario import MarketScenario


@dataclass(frozen=True, slots=True)
class Measured:
    """``hourly_*``: absolute log returns of XBTUSD. ``basis_*``: CME over XBTUSD, hourly. ``weekend_*``: absolute

    move of CME from Friday's last price to the first hour after the reopen, about 50 hours later.
    """

    hourly_deviation: float = 0.01009
    hourly_median: float = 0.00297
    hourly_99: float = 0.0401
    hourly_kurtosis: float = 37.2
    basis_mean: float = 0.00864
    basis_deviation: float = 0.01024
    basis_1: float = -0.0153
    basis_99: float = 0.0310
    basis_hourly_change: float = 0.0051
    basis_lag_1: float = 0.857
    """Autocorrelation after an hour; ``basis_lag_24`` after a day, ``basis_lag_480`` after twenty."""
    basis_lag_24: float = 0.794
    basis_lag_480: float = 0.535
    weekend_median: float = 0.0193
    weekend_90: float = 0.0744
    weekend_95: float = 0.1125
    spread_median: float = 0.5
    """USD; one tick of the perpetual's of 2019, at the 99th percentile three."""
    funding_median: float = 0.0001
    """Per eight hours; first and last percentile −0.21 % and +0.19 %, extremes ±0.375 %."""


MEASURED = Measured()

HISTORICAL = replace(
    MarketScenario(),
    # 1.01 % an hour is 94 % a year. A lognormal swing of the volatility with a deviation of 0.8 has the kurtosis
    # 3 exp(4 × 0.8²) = 39; it is forgotten in about a day.
    volatility=944_000,
    volatility_swing=800_000,
    volatility_reversion=24 * 3_600,
    # Two time scales: 14 % of the basis's variance is gone within the hour, the rest takes weeks.
    basis=8_640,
    basis_deviation=9_500,
    basis_reversion=500 * 3_600,
    basis_noise=3_800,
    basis_noise_reversion=1_200,
)
"""The market of 2018–2020. The scenario's own defaults are one of its calm days."""
