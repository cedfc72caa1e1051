"""Cases of our own transformers. Their Python is what they mean, so every bit is held to it."""

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from plumb_trainer import features
from plumb_trainer.features.dates import DATE_PARTS, TIME_PARTS
from reference.frame import case
from reference.rows import EDGES, INF, NAN, column, one, random_numbers

PATTERNS = ["digit", "uppercase", "lowercase", "space", "punctuation", "non_ascii", "email", "url"]


def cases():
    """Dates, numbers, texts and lists of numbers."""
    yield from date_cases()
    yield from number_cases()
    yield from text_cases()
    yield from window_cases()


def date_cases():
    """Every part, on days around the ends of months, years and centuries, and what is no date."""
    rng = np.random.default_rng(70)
    days = [str(np.datetime64("1970-01-01") + int(day)) for day in rng.integers(-719528, 2932897, size=150)]
    years = (0, 4, 1600, 1900, 1999, 2000, 2020, 2024, 9999)
    days += [f"{year:04d}-{day}" for year in years for day in ("01-01", "02-28", "03-01", "12-31")]
    days += ["2024-02-29", "2000-02-29", "0000-02-29"]
    wrong = ["1900-02-29", "2023-02-29", "2023-04-31", "2023-00-01", "2023-13-01", "2023-01-00", "2023-1-1", "20230101", "", "today"]
    wrong += ["2023-01-01T00:00:00Z", " 2023-01-01", "2023-01-01\n", "\uff12023-01-01"]
    yield "date-parts", case(one("string"), column(*days), column(None, *wrong), features.DateParts(list(DATE_PARTS)))
    types = {"from": "string", "to": "string"}
    pairs = [[days[at], days[-at - 1]] for at in range(20)]
    yield "date-parts-default", case(types, pairs, [[None, days[0]]], features.DateParts())
    times = [f"{day}T{at % 24:02d}:{at * 7 % 60:02d}:{at * 11 % 60:02d}" for at, day in enumerate(days)]
    ends = ["Z", "+00:00", "-00:00", "+05:30", "-11:00", "+14:00", "-23:59", "+23:59", ".5Z", ".000000001-01:15"]
    served = [f"{time}{ends[at % len(ends)]}" for at, time in enumerate(times)]
    wrong = [f"{times[0]}{end}" for end in ("", "+1:00", "+24:00", ".Z", "z", "Z ")]
    wrong += [f"2023-01-01{time}" for time in ("T24:00:00Z", "T23:60:00Z", "T23:59:60Z", " 10:00:00Z", "T10:00Z", "")]
    wrong += ["2023-02-29T10:00:00Z"]
    for name, zone in (("utc", "UTC"), ("ahead", "+01:00"), ("behind", "-09:30"), ("far-ahead", "+13:45")):
        dates = features.DateParts([*DATE_PARTS, *TIME_PARTS], format="date-time", time_zone=zone)
        yield f"date-parts-{name}", case(one("string"), column(*served), column(None, *wrong), dates)


def number_cases():
    """Every option, with infinities, zeros of both signs, missing values and results that overflow."""
    types = {"a": "number", "b": "number", "c": "number"}
    training = random_numbers(71, 40, 3)
    served = [[edge, edges, 1.5] for edge, edges in zip(EDGES, EDGES[::-1], strict=True)]
    served += [[1e300, 1e-300, -0.0], [1e300, -1e300, 1e300], [0.0, -0.0, 5e-324], [-0.0, 3.0, 0.0]]
    for transformer in (features.Ratio(), features.Difference(), features.Product()):
        yield type(transformer).__name__.lower(), case(types, training, served, transformer)
    yield "ratio-of-two", case({"n": "integer", "flag": "boolean"}, [[3, True], [-2, False]], [[2**40, False]], features.Ratio())
    yield "product-of-one", case(one("number"), column(1.0), column(*EDGES), features.Product())
    yield "clip", case(types, training, served, features.Clip(-1.5, 2.5))
    yield "clip-each", case(types, training, served, features.Clip([-INF, 0.0, -1e-3], [0.0, INF, 1e-3]))
    yield "clip-at-zeros", case(one("number"), column(1.0), column(*EDGES), features.Clip(-0.0, 1.0))
    yield "clip-of-nothing", case(types, training, served, features.Clip())
    for right in (False, True):
        name = "right" if right else "left"
        edges = [[-1.0, 0.0, 0.1, 1 / 3], [1e300], [1.5, 2.0]]
        yield f"buckets-{name}", case(types, training, served, features.Buckets(edges, right=right))
        yield f"buckets-shared-{name}", case(types, training, served, features.Buckets([0.0, 1.5], right=right))
    for name, period in (("week", 7), ("day", 24), ("year", 365.25), ("small", 0.1), ("huge", 1e300)):
        whole = [[float(value), -float(value), value / 7] for value in range(25)]
        yield f"cyclic-{name}", case(types, training, served + whole, features.Cyclic(period))
    for function in ("log1p", "log"):
        around = [[value, 1 + value, -1 + value] for value in (0.0, 1e-17, 1e-9, 1e-3, 0.5, -0.5, -1e-9)]
        yield f"portable-{function}", case(types, training, served + around, features.PortableLog(function))
    for standardize in (True, False):
        name = "standardized" if standardize else "alone"
        yield f"portable-yeo-johnson-{name}", case(types, training, served, features.PortableYeoJohnson(standardize))
    rng = np.random.default_rng(72)
    skewed = np.column_stack([rng.lognormal(size=200), -rng.lognormal(size=200), rng.normal(size=200)]).tolist()
    yield "portable-yeo-johnson-skewed", case(types, skewed, served, features.PortableYeoJohnson())


def text_cases():
    """Lengths, patterns and crosses of texts that break: accents composed and not, two-unit code points, separators."""
    texts = ["", "a", "A1", "\u00e9", "e\u0301", "\U0001f600\U0001f600", "tab\there", "line\nbreak", "\u00a0", "\u2028", "\x7f", "\x80"]
    texts += ["ada@example.com", "@example.com", "a@b", "x@y-z.q", "see http://a", "https://?", "HTTP://A", "back\\slash", "a|b"]
    texts += ["AB-7", "on sale!", "~!"]
    yield "text-length", case(one("string"), column(*texts), column(None), features.TextLength())
    patterns = [*PATTERNS, {"contains": "sale"}, {"starts_with": "AB-"}, {"ends_with": "!"}, {"contains": "\U0001f600"}]
    yield "text-pattern", case(one("string"), column(*texts), column(None), features.TextPattern(patterns))
    types = {"city": "string", "grade": "string", "day": "integer", "open": "boolean", "share": "number"}
    rows = [["Oslo", "low", 3, True, 1.0], ["a|b", "c", 4, False, 2.0], ["a", "b|c", 4, False, 2.0], ["a\\", "b", -7, True, -0.0]]
    rows += [["", "", 2**53 - 1, True, 5.0]]
    served = [["Oslo", None, 3, True, 1.0], [None, "low", 3, True, 1.0], ["Oslo", "low", 3, True, None], ["Oslo", "low", 3, True, 0.5]]
    served += [["Oslo", "low", 3, True, 2.0**53], ["Oslo", "low", 3, True, INF], ["Rome", "low", 3, True, 1.0], ["a|b", "c", 4, True, 2.0]]
    hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    yield "cross", case(types, rows, served, features.Cross(), hot)
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    types = {"a": "string", "b": "string"}
    yield "cross-of-texts", case(types, [row[:2] for row in rows], [row[:2] for row in served], features.Cross(), codes)


def window_cases():
    """Every statistic over lists of every length at which NumPy's order of addition changes, and lists that are refused."""
    rng = np.random.default_rng(73)
    lengths = [*range(1, 20), 23, 24, 25, 31, 64, 127, 128, 129, 130, 136, 137, 255, 256, 257, 300]
    lists = [[float(value) for value in rng.normal(size=length) * 10.0 ** rng.integers(-4, 5, size=length)] for length in lengths]
    edges = [[], [-0.0], [0.0, -0.0], [-0.0, 0.0], [1e308, 1e308], [-1e308, -1e308, 1e308], [5e-324, 5e-324], [3, 4], [2**53, 1]]
    refused = [[1.0, INF], [NAN], [INF]]
    everything = ["mean", "std", "min", "max", "sum", "last", "count", "lag_1", "lag_7", "lag_300"]
    numbers = {"sold": "numbers"}
    yield "row-window", case(numbers, column(*lists), column(*edges, None, *refused), features.RowWindow(everything))
    yield "row-window-of-seven", case(
        numbers, column(*lists[:30]), column(*edges, None), features.RowWindow(everything, window=7, min_items=2, ddof=1)
    )
    yield "row-window-whole", case(numbers, column(*lists[:30]), column(*edges), features.RowWindow(["mean", "std", "lag_1"], window=28))
    flags = [[bool(value) for value in rng.integers(0, 2, size=length)] for length in (1, 2, 3, 8, 9, 130)]
    yield "row-window-of-flags", case({"seen": "booleans"}, column(*flags), column([], [False], None), features.RowWindow(everything))
    types = {"sold": "numbers", "seen": "numbers", "price": "number"}
    rows = [[sold, seen, float(at)] for at, (sold, seen) in enumerate(zip(lists[:12], lists[12:24], strict=True))]
    together = ColumnTransformer(
        [
            ("windows", make_pipeline(features.RowWindow(["mean", "last"], window=5), SimpleImputer()), ["seen", "sold"]),
            ("last", make_pipeline(features.RowWindow(["last", "mean"]), features.Ratio()), ["sold"]),
            ("price", features.PortableLog(), ["price"]),
        ]
    )
    yield "row-window-among-others", case(types, rows, [[None, [1.0], 2.0], [[2.0], None, None]], together)
