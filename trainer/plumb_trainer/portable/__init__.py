"""Mathematics that gives the same bits on every machine, in Python and in the server: the twin of ``preprocessing/math/``.

NumPy's own ``log``, ``exp`` and the like give other last bits on other processors. These functions use only what IEEE 754 rounds
exactly: ``+ - * /``, square roots, comparisons, and work on bits. They take float64, or what NumPy makes float64 of, as scalars or arrays
of any shape, and return float64. No value raises or warns. ``docs/preprocessing.md`` says what each gives for NaN, infinities and zeros.

Notes
-----
Change a line here only together with its twin. ``trainer/parity_math.py`` holds the two together, bit for bit.
"""

from .cos import cos
from .exp import exp
from .expm1 import expm1
from .log import log
from .log1p import log1p
from .log2 import log2
from .log10 import log10
from .ndtri import ndtri
from .pow import pow
from .sin import sin
from .tanh import tanh

__all__ = ["cos", "exp", "expm1", "log", "log1p", "log2", "log10", "ndtri", "pow", "sin", "tanh"]
