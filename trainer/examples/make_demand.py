"""Write demand.csv: 600 days of made-up demand, the same bytes on every run.

Demand follows search interest, which swings by season, falls with the price and rises on days with a promotion.
"""

import csv
import datetime
from pathlib import Path

import numpy as np

DAYS = 600
FIRST_DAY = datetime.date(2022, 1, 1)


def demand_columns():
    """Return the columns as a dict of arrays of shape (600,).

    Notes
    -----
    NumPy's legacy generator, whose stream is frozen; the order of the draws is part of the data's definition.
    """
    random = np.random.RandomState(42)
    interest = np.clip(np.sin(np.linspace(0, 30, DAYS)) * 50 + 50 + random.randn(DAYS) * 5, 0, None)
    promo = random.binomial(1, 0.1, DAYS)
    price = np.clip(100 + random.randn(DAYS) * 3, 0, None)
    demand = np.clip(0.6 * interest - 0.3 * price + 20 * promo + random.randn(DAYS) * 8 + 30, 0, None)
    return {
        "feature_search_interest": interest,
        "feature_price": price,
        "feature_promo": promo,
        "target_demand": demand,
    }


def main(path=Path(__file__).parent / "demand.csv"):
    """Write the file."""
    columns = demand_columns()
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["date", *columns])
        for day in range(DAYS):
            date = FIRST_DAY + datetime.timedelta(days=day)
            writer.writerow([date.isoformat(), *(values[day].item() for values in columns.values())])


if __name__ == "__main__":
    main()
