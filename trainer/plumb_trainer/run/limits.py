"""How large a request a bundle takes by default: as many rows as are worth a run, and the bytes that such rows may have."""

from plumb_trainer.errors import TrainerError
from plumb_trainer.numbers.json_form import line

# Of a block of features, 32 MB.
_CELLS_MAX = 4_000_000
_ROWS = (16, 10_000)
_BYTES = (2**20, 16 * 2**20)
# As bundle/manifest.ts has it.
_GREATEST = {"rows_max": 1_000_000, "body_bytes_max": 2**30}


def call_limits(width, rows, asked):
    """Return ``limits`` of the manifest.

    Parameters
    ----------
    width : int
        Features of a row after preprocessing.
    rows : list of dict
        As callers send them.
    asked : dict or None
        What isn't to follow from the width.
    """
    for name, value in (asked or {}).items():
        greatest = _GREATEST.get(name)
        if greatest is None:
            raise TrainerError(f'limits: there is no "{name}"; expected {", ".join(_GREATEST)}')
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= greatest:
            raise TrainerError(f"limits, {name}: expected an integer from 1 to {greatest}, got {value!r}")
    rows_max = _within(_ROWS, _CELLS_MAX // max(1, width))
    step = max(1, len(rows) // 200)
    sizes = [len(line(row).encode("utf-8")) + 1 for row in rows[::step]]
    # Twice a usual row's, in whole MiB: callers write more digits and blanks.
    needed = 2 * (asked or {}).get("rows_max", rows_max) * sum(sizes) // len(sizes)
    return {"rows_max": rows_max, "body_bytes_max": _within(_BYTES, -(-needed // 2**20) * 2**20), **(asked or {})}


def _within(bounds, value):
    return max(bounds[0], min(bounds[1], value))
