"""Numbers of an evaluation in the cells of a table."""

import math
from typing import Any

from convstab.statistics.intervals import Estimate

NOT_DEFINED = "-"


def estimate_cells(rate: Estimate, level: int) -> tuple[str, str]:
    """A rate and its interval in per cent."""
    value, low, high = rate.value[level], rate.low[level], rate.high[level]
    return in_percent(value), NOT_DEFINED if math.isnan(low) else f"{100 * low:.2f}-{100 * high:.2f}"


def difference_cells(difference: Estimate, level: int) -> tuple[str, str]:
    """A difference of rates and its interval in points, with their signs."""
    value, low, high = (100 * ends[level] for ends in (difference.value, difference.low, difference.high))
    return (NOT_DEFINED, NOT_DEFINED) if math.isnan(value) else (f"{value:+.2f}", f"{low:+.2f} to {high:+.2f}")


def in_percent(rate: float) -> str:
    """A rate in per cent; "-" where there is nothing to count."""
    return NOT_DEFINED if math.isnan(rate) else f"{100 * rate:.2f} %"


def level_in_words(level: float) -> str:
    """A level as a reader takes it; an infinite one is that of the clean images."""
    return f"{level:g}" if math.isfinite(level) else "clean"


def as_cell(value: Any) -> Any:
    """A value in a CSV file; a number that is not defined leaves its cell empty."""
    if not isinstance(value, float):
        return value
    return "" if math.isnan(value) else f"{value:.8g}"


def four_digits(number: float | None) -> str:
    """A number with four decimals, as the paper prints shares; "-" where it is not defined."""
    return NOT_DEFINED if number is None or math.isnan(number) else f"{number:.4f}"


def shortened(name: str, longest: int) -> str:
    """A name of at most so many letters, cut in the middle: its beginning and its end tell names apart."""
    if len(name) <= longest:
        return name
    end = (longest - 1) // 2
    return f"{name[: longest - 1 - end]}…{name[len(name) - end :]}"
