"""Write what ``savvi`` says of made-up experiments, for the test of the server's statistics.

``savvi`` isn't among the trainer's packages, since nothing else needs it. In an environment of its own, in the folder ``trainer``:
``pip install savvi==0.3.1 matplotlib``, then ``python reference/experiment_statistics.py``. It is seeded: a second run writes the same figures.

The state of its regression is set to the least squares of all rows: updated row by row it begins with a ridge of 1e-6, which would be
seen in the ninth digit.
"""

import json
from pathlib import Path

import numpy as np
from savvi.linear_regression import LinearRegression
from savvi.multinomial import Multinomial

OUTPUT = Path(__file__).resolve().parents[2] / "test" / "unit" / "server" / "release" / "experiment" / "savvi.json"


def tuned_rho(alpha, v):
    """Return the mixture's parameter that is tuned to the variance ``v``."""
    twice = 2 * np.log(1 / alpha)
    return v / (twice + np.log(1 + twice))


def comparison(canary, control, alpha, decision_size):
    """Return the sums of two arms, and the sequence's bounds and p-value of the difference of their means."""
    y = np.concatenate((control, canary))
    x = np.column_stack((np.ones(y.size), np.repeat((0.0, 1.0), (control.size, canary.size))))
    model = LinearRegression(alpha, 2, phi=tuned_rho(alpha, decision_size / 2))
    model.n = y.size
    model.covariance = np.linalg.inv(x.T @ x)
    model.beta = np.array((control.mean(), canary.mean() - control.mean()))
    # The sum of squared errors is yty - beta Xty: only the errors, about 0, so that nothing of it is rounded away.
    model.sse = lambda: float(((control - control.mean()) ** 2).sum() + ((canary - canary.mean()) ** 2).sum())
    low, high = model.calculate_conf_int()[1]
    sums = [{"count": a.size, "sum": a.sum(), "sumOfSquares": (a**2).sum()} for a in (canary, control)]
    evidence = min(1.0, model.calculate_p_value()[1])
    return {
        "canary": sums[0],
        "control": sums[1],
        "alpha": alpha,
        "decisionSize": decision_size,
        "low": low,
        "high": high,
        "evidence": evidence,
    }


def main():
    """Write the figures."""
    random = np.random.default_rng(20261201)
    comparisons = []
    for n in (60, 200, 1000, 20000):
        for shift in (0.0, 0.05, 0.4):
            for alpha, decision_size in ((0.05, 5000), (0.01, 500)):
                canary, control = random.normal(shift, 1.0, n), random.exponential(1.0, n) - 1
                comparisons.append(comparison(canary, control, alpha, decision_size))
                # Arms of other sizes: its variance is the pooled one, so here both have the same.
                more = random.normal(0.0, 1.0, 3 * n)
                more = (more - more.mean()) / more.std(ddof=1) * canary.std(ddof=1)
                comparisons.append(comparison(canary, more, alpha, decision_size))
    # Where a bound isn't finite, JSON has no number for it.
    comparisons = [one for one in comparisons if np.isfinite(one["low"]) and np.isfinite(one["high"])]
    mismatches = []
    for canary, control, share in ((0, 0, 0.5), (50, 60, 0.5), (900, 1000, 0.5), (900, 1100, 0.5), (9000, 9500, 0.5), (3000, 900, 0.75)):
        model = Multinomial(0.001, np.array((share, 1 - share)))
        model.update(np.array((canary, control)))
        p_value = min(1.0, float(model.calculate_p_value()))
        mismatches.append({"canary": canary, "control": control, "share": share, "pValue": p_value})
    figures = {"comparisons": comparisons, "mismatches": mismatches}
    lines = [f'"{name}": [\n' + ",\n".join(map(json.dumps, rows)) + "\n]" for name, rows in figures.items()]
    OUTPUT.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
