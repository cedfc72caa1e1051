"""``python -m fuzz``: FUZZ_SEEDS seeds from FUZZ_FIRST on, a line for each that differs, and what became of all."""

import os
import sys
import time
from collections import Counter

from fuzz.compare import outcome


def main():
    """Return the exit code: 1 where a seed differs."""
    first, count = int(os.environ.get("FUZZ_FIRST", "0")), int(os.environ.get("FUZZ_SEEDS", "100"))
    seconds = float(os.environ.get("FUZZ_SECONDS", "inf"))
    found, rows, start, tiers, done = Counter(), 0, time.monotonic(), Counter(), 0
    for seed in range(first, first + count):
        if time.monotonic() - start > seconds:
            break
        result = outcome(seed)
        done += 1
        found[result.kind] += 1
        rows += result.answered
        tiers[result.tier] += result.kind == "same"
        if result.kind == "differs" or (result.kind != "same" and os.environ.get("FUZZ_TELL")):
            print(f"seed {seed}: {result.kind}: {result.told[:600]}", flush=True)
    kinds = ", ".join(f"{found[kind]} {kind}" for kind in ("same", "refused", "unfit", "differs"))
    print(f"{done} seeds from {first}: {kinds}; {rows} rows answered; tiers {dict(+tiers)}")
    return 1 if found["differs"] else 0


if __name__ == "__main__":
    sys.exit(main())
