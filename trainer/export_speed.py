"""Time a training run as a whole: a process from its start to its end, with the export, the golden rows and the proof.

In the folder ``trainer``, after ``npm run build`` in the project's root: ``.venv/bin/python export_speed.py``.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

TRAINER = Path(__file__).resolve().parent


class Took(NamedTuple):
    """What a process took with those that it started: seconds by the clock, seconds of processors, and the largest one's megabytes."""

    seconds: float
    processor_seconds: float
    megabytes: float


def timed(recipe):
    """Train a recipe in a process of its own, into a folder that is gone afterwards.

    Raises
    ------
    subprocess.CalledProcessError
        Where the run stops.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "plumb_trainer", "train", str(recipe), "--out", folder]
        start = time.perf_counter()
        process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(TRAINER)}, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Took(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def main(argv=None):
    """Print a line for each run, then the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", nargs="?", type=Path, default=TRAINER / "examples" / "demand.yaml")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args(argv)
    runs = []
    for _ in range(options.runs):
        runs.append(timed(options.recipe))
        print(_told(runs[-1]), flush=True)
    print(f"median of {len(runs)}: {_told(Took(*map(statistics.median, zip(*runs, strict=True))))}")
    return 0


def _told(took):
    return f"{took.seconds:.1f} s, {took.processor_seconds:.1f} s of processors, {took.megabytes:.0f} MB"


if __name__ == "__main__":
    sys.exit(main())
