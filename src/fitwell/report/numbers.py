"""How numbers are written: the same on the page, in its charts and on the command line."""

import math
import re

from fitwell.results import Interval


def percent(share: float, lang: str = "en", digits: int = 1) -> str:
    """Write a fraction as a percentage; Korean sets no space before the sign.

    >>> percent(0.691), percent(0.691, "ko")
    ('69.1 %', '69.1%')
    """
    return f"{decimal(100 * share, digits)}{'' if lang == 'ko' else ' '}%"


def decimal(value: float, digits: int = 3, *, signed: bool = False) -> str:
    """Write a number with so many decimals; never a negative zero.

    >>> decimal(-0.00004), decimal(0.0512, 2, signed=True), decimal(-0.0512, 2)
    ('0.000', '+0.05', '-0.05')
    """
    if not math.isfinite(value):
        return "?"
    rounded = round(value, digits) + 0.0  # turns a negative zero into zero
    return f"{rounded:+.{digits}f}" if signed and rounded else f"{rounded:.{digits}f}"


def points(share: float, *, signed: bool = False) -> str:
    """Write a difference of two shares in percentage points, without the unit.

    >>> points(0.307), points(0.0112, signed=True)
    ('30.7', '+1.1')
    """
    return decimal(100 * share, 1, signed=signed)


def bounds(interval: Interval) -> str:
    """Write the limits of a share, or of a difference of shares, times 100.

    >>> bounds(Interval(value=0.011, low=-0.002, high=0.024))
    '[-0.2, 2.4]'
    """
    return f"[{points(interval.low)}, {points(interval.high)}]"


def plain_bounds(interval: Interval) -> str:
    """Write the limits of a log-loss, or of a difference of log-losses.

    >>> plain_bounds(Interval(value=0.7, low=0.68, high=0.7249))
    '[0.680, 0.725]'
    """
    return f"[{decimal(interval.low)}, {decimal(interval.high)}]"


def strength(value: float) -> str:
    """Write a strength of regularization, a timescale or a time, with two digits.

    >>> strength(2.31e-5), strength(0.417), strength(0.0), strength(1397.7)
    ('2.3e-5', '0.42', '0', '1,400')
    """
    written = f"{value:.2g}"
    mantissa, e, exponent = written.partition("e")
    if e and int(exponent) > 0:
        return f"{float(written):,.0f}"
    return f"{mantissa}e{int(exponent)}" if e else mantissa


def microseconds(seconds: Interval) -> str:
    """Write a time in millionths of a second with its interval below, two digits each.

    >>> microseconds(Interval(value=3.42e-6, low=3.1e-6, high=1.2e-4))
    '3.4\\n[3.1, 120]'
    """
    value, low, high = (strength(1e6 * s) for s in (seconds.value, seconds.low, seconds.high))
    return f"{value}\n[{low}, {high}]"


def duration(seconds: float, lang: str = "en") -> str:
    """Write a time in the largest unit that fits.

    >>> duration(3.21), duration(245), duration(7500), duration(245, "ko")
    ('3.2 s', '4 min 5 s', '2 h 5 min', '4분 5초')
    """
    hour, minute, second = ("시간", "분", "초") if lang == "ko" else (" h", " min", " s")
    if seconds < 60:
        return f"{decimal(seconds, 1)}{second}"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}{minute} {whole % 60}{second}"
    return f"{whole // 3600}{hour} {whole % 3600 // 60}{minute}"


def p_value(p: float) -> str:
    """Write a p-value with three decimals.

    >>> p_value(0.0421), p_value(0.00004)
    ('0.042', '< 0.001')
    """
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def typeset(text: str) -> str:
    """Set true minus signs, and no line break within an interval or before a percent sign.

    >>> typeset("-0.2 [-0.5, 0.1] and 2.3e-5: 95 %").replace("\xa0", "_")
    '−0.2 [−0.5,_0.1] and 2.3e-5: 95_%'
    """
    text = re.sub(r"(?<![\w.-])-(?=[\d.])", "−", text)
    return re.sub(r"(\[[−\d.]+,) (?=[−\d.]+\])", "\\1\xa0", text).replace(" %", "\xa0%")
