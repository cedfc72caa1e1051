"""Hold the portable mathematics of the trainer and of the server together, bit for bit, on a million inputs per function.

Both sides make the same inputs from the plans below, a hash instead of a random generator, so that any block of them can be made alone.
Python writes how to make them, and a hash of each block's inputs and results, to ``test/parity/portable-math.json``; the TypeScript tests
make and hash them again.

Run ``trainer/.venv/bin/python trainer/parity_math.py`` to write the file, with ``--check`` to see whether the committed one still holds,
with ``--values log 17`` for the bits of each input and result in block 17 of ``log``.
"""

import argparse
import hashlib
import json
import math
import sys
from pathlib import Path

import numpy as np

from plumb_trainer import portable

FILE = Path(__file__).resolve().parent.parent / "test" / "parity" / "portable-math.json"
COUNT = 1_000_000
BLOCK = 4096
HALF_PI = 1.5707963267948966

# How each argument of a function is made: input i, beyond the edges, by plan i modulo their number. See `_made` for what they mean.
PLANS = {
    "cos": [[["bits"], ["uniform", -10, 10], ["near", HALF_PI, 1 << 22, 32], ["scaled", -40, 30]]],
    "exp": [[["bits"], ["uniform", -750, 715], ["uniform", -2, 2], ["scaled", -60, 10]]],
    "expm1": [[["bits"], ["uniform", -60, 715], ["uniform", -1.2, 1.2], ["scaled", -60, 10]]],
    "log": [[["bits"], ["uniform", 0, 1000], ["uniform", 0.7, 1.5], ["positive", -1022, 1024]]],
    "log10": [[["bits"], ["uniform", 0, 1000], ["uniform", 0.7, 1.5], ["positive", -1022, 1024]]],
    "log1p": [[["bits"], ["uniform", -1, 1], ["uniform", -0.5, 100], ["scaled", -60, 60]]],
    "log2": [[["bits"], ["uniform", 0, 1000], ["uniform", 0.7, 1.5], ["positive", -1022, 1024]]],
    "ndtri": [[["bits"], ["uniform", 0, 1], ["uniform", 0.86, 1], ["positive", -1022, 0]]],
    "pow": [
        [["bits"], ["positive", -1022, 1024], ["uniform", 0.5, 2], ["whole", -1000, 1000], ["near", 1, 1, 1 << 31], ["uniform", 0, 3]],
        [["bits"], ["uniform", -1, 1], ["uniform", -1000, 1000], ["whole", -40, 40], ["scaled", 28, 66], ["uniform", -3, 3]],
    ],
    "sin": [[["bits"], ["uniform", -10, 10], ["near", HALF_PI, 1 << 22, 32], ["scaled", -40, 30]]],
    "tanh": [[["bits"], ["uniform", -23, 23], ["uniform", -1, 1], ["scaled", -40, 5]]],
}


def edges():
    """Return numbers at which something changes, each with its neighbours and with both signs, and NaN."""
    places = [0.0, 5e-324, 2.2250738585072014e-308, 0.5, 1.0, 2.0, 3.0, math.e, 1.7976931348623157e308]
    places += [math.ldexp(1.0, k) for k in (-1000, -54, -53, -29, -28, -27, -26, 20, 31, 52, 53, 54, 64, 120, 1000)]
    places += [math.ldexp(digit * HALF_PI, k) for digit in (1, 3, 5) for k in (-1, 0, 20)]
    places += [0.13533528323661269, 0.29289321881345254, 0.34657359027997264, 0.41421356237309503, 0.6931471805599453]
    places += [1.0397207708399179, 22.0, 38.816242111356935, 709.782712893384, 745.1332191019411]
    values = [math.inf, -math.inf, math.nan]
    for place in places:
        for value in (place, math.nextafter(place, math.inf), math.nextafter(place, -math.inf)):
            values += [value, -value]
    return np.array(values)


def pow_edges():
    """Return fewer of them, since powers take each with each."""
    places = [0.0, 5e-324, 0.5, 1 - 2**-53, 1.0, 1 + 2**-52, 1.5, 2.0, 3.0, 1023.0, 1024.0, 1074.0, 1075.0]
    places += [2.0**31, 2.0**53 - 1, 2.0**53, 2.0**64]
    return np.array([*places, *(-place for place in places), 1e300, -1e300, 1e-300, -1e-300, math.inf, -math.inf, math.nan])


def mixed(counters):
    """Return 32 bits for each counter that have nothing in common with those of the next (the finalizer of MurmurHash3)."""
    bits = counters.astype(np.uint32) * np.uint32(0x9E3779B9)
    bits = (bits ^ bits >> np.uint32(16)) * np.uint32(0x85EBCA6B)
    bits = (bits ^ bits >> np.uint32(13)) * np.uint32(0xC2B2AE35)
    return bits ^ bits >> np.uint32(16)


def _made(plan, sign, upper, lower):
    """Return a value for each triple of 32-bit words."""
    kind, *limits = plan
    positive = sign >> np.uint32(31) == 0
    if kind == "bits":  # any double
        return _double(upper, lower)
    if kind == "uniform":  # between two numbers
        share = ((upper >> np.uint32(5)) * 67108864.0 + (lower >> np.uint32(6))) / 9007199254740992.0
        return limits[0] + (limits[1] - limits[0]) * share
    if kind == "whole":  # a whole number from the first to below the second
        return limits[0] + (upper % np.uint32(limits[1] - limits[0])).astype(np.float64)
    if kind == "near":  # a multiple of a step, up to a count, and up to a number of ulp beside it
        step, count, spread = limits
        multiple = ((upper % np.uint32(count)) + 1.0) * step
        beside = 1 + ((lower % np.uint32(2 * spread - 1)) + 1.0 - spread) * 2.220446049250313e-16
        return np.where(positive, multiple, -multiple) * beside
    # scaled, positive: an exponent from the first to below the second, and any significand
    exponent = limits[0] + 1023 + (sign & np.uint32(0x7FFFFFFF)) % np.uint32(limits[1] - limits[0])
    size = _double(exponent.astype(np.uint32) << np.uint32(20) | upper >> np.uint32(12), lower)
    return size if kind == "positive" else np.where(positive, size, -size)


def _double(upper, lower):
    return (upper.astype(np.uint64) << np.uint64(32) | lower).view(np.float64)


def inputs(name, start, stop):
    """Return the arguments of inputs from `start` to `stop` of a function, one array each."""
    plans = PLANS[name]
    at = np.arange(start, stop)
    arguments = []
    for position, choices in enumerate(plans):
        counters = (position << 30) + 4 * at
        words = [mixed(counters + word) for word in range(3)]
        values = np.choose(at % len(choices), [_made(plan, *words) for plan in choices])
        one = pow_edges() if len(plans) == 2 else edges()
        fixed = np.tile(one, len(one)) if position == 1 else np.repeat(one, len(one) if len(plans) == 2 else 1)
        here = fixed[start:stop]
        values[: len(here)] = here
        arguments.append(values)
    return arguments


def patterns(values):
    """Return the bits of doubles, one pattern for every NaN."""
    return np.where(np.isnan(values), np.nan, values).astype("<f8")


def block_hashes(name):
    """Return a hash for each block of a function: its inputs, one argument after the other, then its results."""
    hashes = []
    for start in range(0, COUNT, BLOCK):
        arguments = inputs(name, start, min(start + BLOCK, COUNT))
        columns = [*arguments, getattr(portable, name)(*arguments)]
        hashes.append(hashlib.sha256(b"".join(patterns(column).tobytes() for column in columns)).hexdigest()[:12])
    return hashes


def hexadecimal(values):
    """Return the bits of doubles as 16 hexadecimal digits each."""
    return [f"{int(bits):016x}" for bits in patterns(values).view(np.uint64)]


def document():
    """Return the text of the file, a line per function."""
    functions = [
        f'  {json.dumps(name)}: {{"plans": {json.dumps(plans)},\n   "hashes": {json.dumps(" ".join(block_hashes(name)))}}}'
        for name, plans in PLANS.items()
    ]
    head = f'"count": {COUNT}, "block": {BLOCK},\n "edges": {json.dumps(" ".join(hexadecimal(edges())))},\n '
    head += f'"powEdges": {json.dumps(" ".join(hexadecimal(pow_edges())))},\n "functions": {{\n'
    return "{" + head + ",\n".join(functions) + "\n}}\n"


def print_values(name, block):
    """Print the bits of each input and result of a block."""
    arguments = inputs(name, block * BLOCK, min((block + 1) * BLOCK, COUNT))
    for line in zip(*map(hexadecimal, [*arguments, getattr(portable, name)(*arguments)]), strict=True):
        print(*line)


def main():
    """Write the file, check the committed one, or print a block."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--check", action="store_true", help="compare with the committed file instead of writing it")
    parser.add_argument("--values", nargs=2, metavar=("FUNCTION", "BLOCK"), help="print the inputs and results of a block as bits")
    arguments = parser.parse_args()
    if arguments.values:
        print_values(arguments.values[0], int(arguments.values[1]))
    elif not arguments.check:
        FILE.write_text(document(), encoding="utf-8")
    elif FILE.read_text(encoding="utf-8") != document():
        sys.exit(f"{FILE.name} isn't what this machine computes: did the plans change, or the mathematics?")


if __name__ == "__main__":
    main()
