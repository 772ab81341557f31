"""The few days of the year that move a contract's end or keep CME closed."""

from datetime import date, timedelta


def ends_earlier(day: date) -> bool:
    """Say whether London or the US is closed on ``day``, as far as it can be near a month's last Friday."""
    return (day.month, day.day) in {(12, 25), (12, 26)} or day == good_friday(day.year)


def is_cme_closed(day: date) -> bool:
    """Say whether CME's crypto futures have no trade date on ``day``: New Year's Day, Good Friday, Christmas Day."""
    return (day.month, day.day) in {(1, 1), (12, 25)} or day == good_friday(day.year)


def closes_early(day: date) -> bool:
    """Say whether CME's crypto futures closed around noon on ``day``: 3 July, 24 December, the day after Thanksgiving.

    The days of other holidays that were shorter, with the usual open in the evening, are not known here.
    """
    after_thanksgiving = day.month == 11 and day.weekday() == 4 and 23 <= day.day <= 29
    return (day.month, day.day) in {(7, 3), (12, 24)} or after_thanksgiving


def good_friday(year: int) -> date:
    """Return Good Friday, by the Gregorian computus (Meeus, Astronomical Algorithms, chapter 8)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    weekday = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 19 * weekday) // 433
    month, day = divmod(h + weekday - 7 * m + 114, 31)
    return date(year, month, day + 1) - timedelta(days=2)
