"""True values of functions, to many more digits than a double holds, from whole-number and decimal arithmetic alone."""

import math
from decimal import Decimal, localcontext
from fractions import Fraction

_BITS = 1400  # after the point: the largest double times 1/pi still has more than 300


def _inverse_arctangent(n):
    """Return arctan(1 / n) as a whole number of 2^-_BITS, by its series."""
    term, total, k, sign = (1 << _BITS) // n, 0, 1, 1
    while term:
        total += sign * (term // k)
        term //= n * n
        k, sign = k + 2, -sign
    return total


# Machin, 1706: pi / 4 = 4 arctan(1/5) - arctan(1/239).
PI = 4 * (4 * _inverse_arctangent(5) - _inverse_arctangent(239))


def sin(x):
    """Return the sine of a finite double as a fraction."""
    return _sin_after(x, 0)


def cos(x):
    """Return the cosine of a finite double as a fraction."""
    return _sin_after(x, 1)


def _sin_after(x, quarter_turns):
    exact = Fraction(x)
    n = round(exact * (1 << _BITS + 1) / PI)
    r = exact - Fraction(n * PI, 1 << _BITS + 1)
    r = Fraction(round(r * (1 << 400)), 1 << 400) if abs(r) > Fraction(1, 1 << 60) else r
    n = (n + quarter_turns) % 4
    power = n % 2
    term = Fraction(1) if power else r
    total, k = Fraction(0), 1 - power
    while abs(term) * (1 << 200) > abs(total):
        total += term
        term = Fraction(round(-term * r * r / ((k + 1) * (k + 2)) * (1 << 1300)), 1 << 1300)
        k += 2
    return -total if n >= 2 else total


def _decimal(digits):
    """Return a function wrapper that computes in that many digits."""

    def wrap(function):
        def apply(*arguments):
            with localcontext() as context:
                context.prec, context.Emax, context.Emin = digits, 10**9, -(10**9)
                return Fraction(function(*(Decimal(argument) for argument in arguments)))

        return apply

    return wrap


@_decimal(60)
def log(x):
    """Return ln x."""
    return x.ln()


@_decimal(60)
def log10(x):
    """Return the logarithm to base 10."""
    return x.log10()


@_decimal(60)
def log2(x):
    """Return the logarithm to base 2."""
    return x.ln() / Decimal(2).ln()


@_decimal(400)
def log1p(x):
    """Return ln(1 + x), below 10^-150 by two terms of its series."""
    return x - x * x / 2 if abs(x) < Decimal("1e-150") else (1 + x).ln()


@_decimal(60)
def exp(x):
    """Return e^x."""
    return x.exp()


@_decimal(400)
def expm1(x):
    """Return e^x - 1, below 10^-150 by two terms of its series."""
    return x + x * x / 2 if abs(x) < Decimal("1e-150") else x.exp() - 1


@_decimal(400)
def tanh(x):
    """Return the hyperbolic tangent, below 10^-100 by two terms of its series."""
    if abs(x) < Decimal("1e-100"):
        return x - x * x * x / 3
    double = (2 * min(max(x, Decimal(-500)), Decimal(500))).exp()
    return (double - 1) / (double + 1)


@_decimal(60)
def pow(x, y):
    """Return x to the power of y, for x above 0."""
    return (x.ln() * y).exp()


def ndtri(p):
    """Return the x below which a standard normal variable falls with probability p: Newton's method from its own double."""
    from plumb_trainer import portable

    return _newton(Decimal(p), Decimal(float(portable.ndtri(p))))


@_decimal(420)
def _newton(p, x):
    # Each step squares the error; the first one starts from a few ulp, of which the second leaves nothing that counts.
    root = (2 * Decimal(PI) / (1 << _BITS)).sqrt()
    for _ in range(2):
        density = (-x * x / 2).exp() / root
        term, total, k = x, Decimal(0), 1
        while abs(term) > Decimal("1e-410"):
            total += term
            k += 2
            term = term * x * x / k
        x -= (Decimal("0.5") + density * total - p) / density
    return x


def ulps(found, true):
    """Return how far a double is from a fraction, in units of the last place of the double next to it."""
    try:
        nearest = float(true)
    except OverflowError:
        return 0.0 if math.isinf(found) else math.inf
    if math.isinf(found):
        # Beyond the largest double by less than half a unit of its last place, rounding would still be downwards.
        return float((2 ** Fraction(1024) - abs(true)) / Fraction(math.ulp(1.7e308)))
    return float(abs(Fraction(found) - true) / Fraction(math.ulp(nearest)))
