"""Numbers as people read them: rounded for the eye, never past what tells two of them apart."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from modelyard.contract.report import Figure

NO_NUMBER = "not a number"
ALMOST_ONE, AS_GOOD_AS_ONE = 0.01, 1e-9
"""How far from 1 a number is that four digits would round to it, and how near it is no use to tell them apart."""
MINUTE, HOUR = 60, 3600
LONG_SECONDS = 100
GREATEST_PLAIN = 1e6


def number(value: float) -> str:
    """Return four significant digits; of a number just below 1, as many as tell it from 1 by two digits.

    A cosine of 0.9996 is far from 1, and one of 0.99999994 is not 1 either.
    """
    if math.isnan(value):
        return NO_NUMBER
    if math.isinf(value):
        return "infinite" if value > 0 else "minus infinite"
    gap = 1 - value
    if AS_GOOD_AS_ONE < gap < ALMOST_ONE:
        return f"{value:.{1 - math.floor(math.log10(gap))}f}".rstrip("0")
    return f"{value:.4g}"


def distance(value: float) -> str:
    """Return how far something is, in three digits: ``0.0123``, ``1.97e-5``."""
    return f"{value:.3g}".replace("e-0", "e-") if math.isfinite(value) else number(value)


def bounds(figure: Figure) -> str:
    """Return both bounds, or a dash for a value that is its own."""
    return "—" if figure.lower == figure.upper else f"{number(figure.lower)} to {number(figure.upper)}"


def milliseconds(value: float) -> str:
    """Return milliseconds: ``4.21 ms``."""
    return f"{rounded(value)} ms"


def times(value: float) -> str:
    """Return a ratio: ``4.2x``."""
    return f"{rounded(value)}x"


def times_bounds(figure: Figure) -> str:
    """Return a ratio's bounds: ``4.01x to 4.4x``."""
    return f"{times(figure.lower)} to {times(figure.upper)}"


def rounded(value: float) -> str:
    """Return three significant digits, in full up to a million."""
    if not math.isfinite(value):
        return number(value)
    if LONG_SECONDS <= abs(value) < GREATEST_PLAIN:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def count(value: int) -> str:
    """Return a whole number with its thousands apart."""
    return f"{value:,}"


def megabytes(size: int) -> str:
    """Return bytes as decimal megabytes or gigabytes, as registries and disks count."""
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"  # noqa: PLR2004 - a gigabyte


def gibibytes(size: int) -> str:
    """Return bytes as GiB, as memory is counted."""
    return f"{size / (1 << 30):.2f} GiB"


def seconds(value: float) -> str:
    """Return a duration: ``0.42 s``, ``12.3 s``, ``2 min 05 s``, ``1 h 04 min``."""
    if not math.isfinite(value):
        return number(value)
    if not LONG_SECONDS <= value < GREATEST_PLAIN:
        return f"{value:.3g} s"
    hours, rest = divmod(round(value), HOUR)
    minutes, left = divmod(rest, MINUTE)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {left:02} s"


def moment(value: datetime) -> str:
    """Return a time to the second, in UTC."""
    try:
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    except OverflowError:  # in the first or the last hours that there are: nobody's build, but somebody's report
        return value.isoformat()
