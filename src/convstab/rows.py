"""The one rule about the size of a batch that results do not depend on."""

ROWS = 16  # in channels last, batches of any multiple of 16 rows give the same bits; batches of other sizes may not


def whole_groups(count: int) -> int:
    """``count`` rounded up to whole groups of 16 rows."""
    return -(-count // ROWS) * ROWS
