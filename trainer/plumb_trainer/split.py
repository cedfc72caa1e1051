"""Splits rows by time: the model is judged on days that came after all it has learnt from."""

from itertools import pairwise

from plumb_trainer.stop import Stop


def split_by_time(row_count, shares):
    """Return the rows of each part, oldest first.

    Parameters
    ----------
    row_count : int
        Rows, in order of time.
    shares : tuple of float
        Of each part; they add up to 1.

    Returns
    -------
    list of slice
        One per share, side by side, together all rows.

    Raises
    ------
    Stop
        Where a part would have no row.

    Examples
    --------
    >>> split_by_time(600, (0.70, 0.15, 0.15))
    [slice(0, 420, None), slice(420, 510, None), slice(510, 600, None)]
    """
    ends = [round(row_count * sum(shares[:count])) for count in range(len(shares) + 1)]
    parts = [slice(begin, end) for begin, end in pairwise(ends)]
    if any(part.start == part.stop for part in parts):
        raise Stop(f"expected enough rows for {len(shares)} parts of {', '.join(map(str, shares))}, got {row_count}")
    return parts
