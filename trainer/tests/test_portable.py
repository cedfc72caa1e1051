"""The portable mathematics: bits that are the committed ones, errors within what is promised, and answers at the ends of the range."""

import json
import math

import exact_math
import numpy as np
import pytest
import scipy.special

import parity_math
from plumb_trainer import portable
from plumb_trainer.numbers.ulp import ulp_distances

INF, NAN = math.inf, math.nan
NAMES = portable.__all__

# What docs/preprocessing.md promises, in ulp.
ULP_MAX = dict.fromkeys(NAMES, 1.0) | {"tanh": 2.5, "ndtri": 8.0}

# As many values per function as take a moment: the exact ones are slow.
VALUES = dict.fromkeys(NAMES, 900) | {"ndtri": 40}

SPECIAL = {
    "cos": [(0.0, 1.0), (-0.0, 1.0), (INF, NAN), (-INF, NAN), (NAN, NAN)],
    "exp": [(0.0, 1.0), (1.0, math.e), (709.79, INF), (-745.14, 0.0), (-745.13, 5e-324), (INF, INF), (-INF, 0.0), (NAN, NAN)],
    "expm1": [(0.0, 0.0), (-0.0, -0.0), (5e-324, 5e-324), (709.79, INF), (-40.0, -1.0), (INF, INF), (-INF, -1.0), (NAN, NAN)],
    "log": [(1.0, 0.0), (0.0, -INF), (-0.0, -INF), (-1.0, NAN), (-INF, NAN), (INF, INF), (NAN, NAN), (5e-324, -744.4400719213812)],
    "log10": [(1.0, 0.0), (0.0, -INF), (-0.0, -INF), (-1.0, NAN), (-INF, NAN), (INF, INF), (NAN, NAN), (1000.0, 3.0), (1e22, 22.0)],
    "log2": [(1.0, 0.0), (0.0, -INF), (-0.0, -INF), (-1.0, NAN), (-INF, NAN), (INF, INF), (NAN, NAN), (5e-324, -1074.0), (8.0, 3.0)],
    "log1p": [(0.0, 0.0), (-0.0, -0.0), (5e-324, 5e-324), (-1.0, -INF), (-1.5, NAN), (INF, INF), (-INF, NAN), (NAN, NAN)],
    "ndtri": [(0.0, -INF), (-0.0, -INF), (0.5, 0.0), (1.0, INF), (-5e-324, NAN), (1.5, NAN), (NAN, NAN)],
    "sin": [(0.0, 0.0), (-0.0, -0.0), (5e-324, 5e-324), (INF, NAN), (-INF, NAN), (NAN, NAN)],
    "tanh": [(0.0, 0.0), (-0.0, -0.0), (22.0, 1.0), (-22.0, -1.0), (INF, 1.0), (-INF, -1.0), (NAN, NAN)],
    "pow": [
        *((NAN, 0.0, 1.0), (1.0, NAN, 1.0), (NAN, 1.0, NAN), (2.0, NAN, NAN), (-1.0, INF, 1.0), (-1.0, -INF, 1.0)),
        *((0.5, INF, 0.0), (0.5, -INF, INF), (2.0, INF, INF), (-2.0, -INF, 0.0)),
        *((0.0, -1.0, INF), (-0.0, -1.0, -INF), (-0.0, -2.0, INF), (-0.0, -0.5, INF), (-0.0, 3.0, -0.0), (-0.0, 0.5, 0.0)),
        *((INF, -3.0, 0.0), (-INF, 3.0, -INF), (-INF, 2.0, INF), (-INF, -3.0, -0.0), (-INF, 0.5, INF)),
        *((-8.0, 1 / 3, NAN), (-2.0, 3.0, -8.0), (-2.0, 1023.0, -(2.0**1023)), (-2.0, 1025.0, -INF), (-2.0, -1075.0, -0.0)),
        *((2.0, -1074.0, 5e-324), (2.0, 1024.0, INF), (10.0, 22.0, 1e22), (3.0, 33.0, 3.0**33), (1 - 2.0**-53, 2.0**70, 0.0)),
    ],
}


def answers(name, *arguments):
    return getattr(portable, name)(*arguments)


@pytest.fixture(scope="module")
def committed():
    return json.loads(parity_math.FILE.read_text(encoding="utf-8"))["functions"]


@pytest.mark.parametrize("name", NAMES)
def test_has_the_committed_bits(name, committed):
    expected = committed[name]["hashes"].split()
    found = parity_math.block_hashes(name)
    assert len(found) == len(expected)
    different = [block for block, pair in enumerate(zip(found, expected, strict=True)) if pair[0] != pair[1]]
    assert different == [], f"compare --values {name} {different[0]} of both"


@pytest.mark.parametrize("name", NAMES)
def test_answers_at_the_ends_of_the_range(name):
    for *arguments, expected in SPECIAL[name]:
        found = answers(name, *arguments)
        assert ulp_distances(np.float64(found), np.float64(expected)) == 0, (name, arguments, found)


def sample(name):
    """Return arguments from every plan whose results are numbers, beside 0."""
    at = np.linspace(10_000, parity_math.COUNT - 10, 4 * VALUES[name]).astype(int)
    columns = [np.concatenate(parts) for parts in zip(*(parity_math.inputs(name, i, i + 1) for i in at), strict=True)]
    results = answers(name, *columns)
    columns = [columns[0] if name != "pow" else np.abs(columns[0]), *columns[1:]]
    keep = np.isfinite(results) & (results != 0) & np.logical_and.reduce([np.isfinite(column) for column in columns])
    kept = np.flatnonzero(keep)[: VALUES[name]]
    return [column[kept] for column in columns]


@pytest.mark.parametrize("name", NAMES)
def test_stays_within_its_error(name):
    arguments = sample(name)
    assert len(arguments[0]) == VALUES[name]
    found = answers(name, *arguments)
    exact = getattr(exact_math, name)
    errors = [exact_math.ulps(float(y), exact(*map(float, x))) for y, *x in zip(found, *arguments, strict=True)]
    assert max(errors) < ULP_MAX[name]
    assert sum(errors) / len(errors) > 0.05, "an exact reference leaves rounding errors"


def test_a_power_near_one_keeps_its_bits():
    # Here the published method is hundreds of ulp off.
    x, y = 0.9999998684837393, -4315751426.659642
    assert exact_math.ulps(float(portable.pow(x, y)), exact_math.pow(x, y)) < 1


def test_powers_of_whole_numbers_are_exact():
    bases, powers = np.meshgrid(np.arange(-30.0, 31), np.arange(1.0, 12))
    exact = [[float(int(base) ** int(power)) for base in bases[0]] for power in powers[:, 0]]
    keep = np.abs(exact) <= 2**53
    assert np.array_equal(portable.pow(bases, powers)[keep], np.array(exact)[keep])


def test_logarithms_of_whole_powers_of_their_base_are_whole():
    assert portable.log2(np.ldexp(1.0, np.arange(-1074, 1024))).tolist() == list(range(-1074, 1024))
    assert portable.log10([float(f"1e{k}") for k in range(-307, 309)]).tolist() == list(range(-307, 309))


def test_turns_are_taken_from_every_double():
    # The double nearest to a multiple of pi/2, of which a shorter pi would leave nothing.
    x = 6381956970095103 * 2.0**797
    for name in ("sin", "cos"):
        assert exact_math.ulps(float(answers(name, x)), getattr(exact_math, name)(x)) < 1
    assert abs(portable.cos(x)) < 1e-18


def test_ndtri_is_scipys_but_for_the_logarithm():
    p = np.linspace(1e-9, 1 - 1e-9, 100_001)
    distances = ulp_distances(portable.ndtri(p), scipy.special.ndtri(p))
    middle = np.abs(p - 0.5) <= 0.36
    assert distances[middle].max() <= 1
    assert distances.max() <= 8


def test_keeps_the_shape_and_takes_any_layout():
    table = np.arange(12, dtype=np.float64).reshape(3, 4)
    for value in (table, table[:, ::2], table.T, table[1:1]):
        found = portable.exp(value)
        assert found.shape == value.shape
        assert found.tolist() == [[portable.exp(x) for x in row] for row in value]
    assert isinstance(portable.exp(1), np.float64)
    assert portable.pow(table, 2).tolist() == (table * table).tolist()
    assert portable.pow([[1.0], [2.0]], [1, 2, 3]).tolist() == [[1, 1, 1], [2, 4, 8]]


def test_leaves_its_input_alone_and_warns_of_nothing():
    values = np.array([-1.0, 0.0, 1e308, -1e308, INF, NAN])
    before = values.copy()
    with np.errstate(all="raise"):
        for name in NAMES:
            answers(name, *[values] * (2 if name == "pow" else 1))
    assert np.array_equal(values, before, equal_nan=True)
