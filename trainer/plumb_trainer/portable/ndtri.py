"""The inverse of the normal distribution function."""

import numpy as np

from .elementwise import elementwise
from .log import log

_EXP_OF_MINUS_2 = 0.1353352832366127
_ROOT_OF_2_PI = 2.5066282746310007

# For abs(p - 1/2) <= 3/8.
_P0 = [-59.96335010141079, 98.00107541859997, -56.67628574690703, 13.931260938727968, -1.2391658386738125]
_Q0 = [
    *(1, 1.9544885833814176, 4.676279128988815, 86.36024213908905, -225.46268785411937),
    *(200.26021238006066, -82.03722561683334, 15.90562251262117, -1.1833162112133),
]
# For z = sqrt(-2 ln p) between 2 and 8.
_P1 = [
    *(4.0554489230596245, 31.525109459989388, 57.16281922464213, 44.08050738932008, 14.684956192885803),
    *(2.1866330685079025, -0.1402560791713545, -0.03504246268278482, -0.0008574567851546854),
]
_Q1 = [
    *(1, 15.779988325646675, 45.39076351288792, 41.3172038254672, 15.04253856929075),
    *(2.504649462083094, -0.14218292285478779, -0.03808064076915783, -0.0009332594808954574),
]
# For z between 8 and 64.
_P2 = [
    *(3.2377489177694603, 6.915228890689842, 3.9388102529247444, 1.3330346081580755, 0.20148538954917908),
    *(0.012371663481782003, 0.00030158155350823543, 2.6580697468673755e-6, 6.239745391849833e-9),
]
_Q2 = [
    *(1, 6.02427039364742, 3.6798356385616087, 1.3770209948908132, 0.21623699359449663),
    *(0.013420400608854318, 0.00032801446468212774, 2.8924786474538068e-6, 6.790194080099813e-9),
]


@elementwise
def ndtri(p):
    """Return the x below which a standard normal variable falls with probability p, the same bits on every machine.

    Parameters
    ----------
    p : array_like of float64

    Returns
    -------
    ndarray or scalar of float64
        -Infinity for 0, Infinity for 1; NaN for NaN and for what is no probability.

    Notes
    -----
    The method of Cephes [1]_, which SciPy's ``ndtri`` uses too: a rational approximation in (p - 1/2)^2 in the middle, one in
    1 / sqrt(-2 ln p) for each of two ranges of the tails.

    References
    ----------
    .. [1] S. Moshier, Cephes Math Library 2.1 (1989), ndtri.c: relative error below 7.2e-16.
    """
    inside = (p > 0) & (p < 1)
    chance = np.where(inside, p, 0.5)
    upper = chance > 1 - _EXP_OF_MINUS_2
    tail = np.where(upper, 1 - chance, chance)
    y = tail - 0.5
    square = y * y
    middle = (y + y * (square * _polynomial(_P0, square) / _polynomial(_Q0, square))) * _ROOT_OF_2_PI
    z = np.sqrt(-2 * log(tail))
    inverse = 1 / z
    near = inverse * _polynomial(_P1, inverse) / _polynomial(_Q1, inverse)
    far = inverse * _polynomial(_P2, inverse) / _polynomial(_Q2, inverse)
    x = z - log(z) / z - np.where(z < 8, near, far)
    result = np.where(tail > _EXP_OF_MINUS_2, middle, np.where(upper, x, -x))
    return np.where(inside, result, np.where(p == 0, -np.inf, np.where(p == 1, np.inf, np.nan)))


def _polynomial(coefficients, x):
    """Return the value of a polynomial, its coefficients from the highest power down."""
    total = coefficients[0]
    for coefficient in coefficients[1:]:
        total = total * x + coefficient
    return total
