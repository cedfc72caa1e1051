"""Transformers for scikit-learn pipelines that a server can repeat bit for bit, from the row alone.

Each is an estimator as any other of scikit-learn: it clones, takes DataFrames and arrays, names its columns, and is exported with the
pipeline that it is part of. ``docs/preprocessing.md`` says what each computes when served.
"""

from plumb_trainer.features.arithmetic import Difference, Product, Ratio
from plumb_trainer.features.column_hasher import ColumnHasher
from plumb_trainer.features.cross import Cross
from plumb_trainer.features.cyclic import Cyclic
from plumb_trainer.features.dates import DateParts
from plumb_trainer.features.limits import Buckets, Clip
from plumb_trainer.features.portable_maps import PortableLog, PortableYeoJohnson
from plumb_trainer.features.row_window import RowWindow
from plumb_trainer.features.text import TextLength, TextPattern

__all__ = [
    "Buckets",
    "Clip",
    "ColumnHasher",
    "Cross",
    "Cyclic",
    "DateParts",
    "Difference",
    "PortableLog",
    "PortableYeoJohnson",
    "Product",
    "Ratio",
    "RowWindow",
    "TextLength",
    "TextPattern",
]
