"""How far the code that serves may be from the trained pipeline, and how far it was found to be."""

from dataclasses import dataclass

from plumb_trainer.numbers.json_form import INTEGER_MAX
from plumb_trainer.numbers.ulp import NO_DIFFERENCE, Worst

# Another processor's kernels add up in another order: what was measured here is not yet the worst.
_MARGIN = 8
_TOLERANCE_MIN = 64
# Of the largest number's last place, for numbers near zero.
_NEAR_ZERO_MIN = 16


@dataclass(frozen=True)
class Flips:
    """How many rows of the data reach other leaves of trees than in the pipeline's own libraries.

    Parameters
    ----------
    rows, differing : int
        How many rows were compared, and how many of them are answered otherwise.
    largest : float or None
        The largest difference of two predictions, or of a classifier's probabilities; None where there are labels only.
    allowed : float
        The share of rows that may differ.
    """

    rows: int
    differing: int
    largest: float | None
    allowed: float

    @property
    def share(self):
        """Of the rows, how many are answered otherwise."""
        return self.differing / self.rows

    def document(self):
        """Return the manifest's member."""
        return {"rows": self.rows, "differing": self.differing, "largest": self.largest, "allowed": self.allowed}


@dataclass(frozen=True)
class Parity:
    """The worst differences that were found.

    Parameters
    ----------
    tier : {"A", "B", "C"}
        As `ExportedModel.tier`, or B where the features are computed with mathematics of our own. Features are the same bits in each.
    rows : int
        How many were compared.
    margin, prediction : Worst
        Of the model's outputs, and of predictions and probabilities. Only in tier C is anything near zero.
    raw_tier : {"A", "C"}, default=None
        Of the model's outputs, where what makes answers of them is less true than they are; None is `tier`.
    flips : Flips, default=None
        None where no row can reach another leaf.
    """

    tier: str
    rows: int
    margin: Worst = NO_DIFFERENCE
    prediction: Worst = NO_DIFFERENCE
    raw_tier: str | None = None
    flips: Flips | None = None

    def document(self, reference):
        """Return the manifest's member."""
        return {
            "tier": self.tier,
            "reference": reference,
            "rows": self.rows,
            "features_ulp_max": 0,
            "margin_ulp_max": self.margin.ulp,
            "tolerance": {
                "features_ulp": 0,
                **_tolerance("margin", self.raw_tier or self.tier, self.margin),
                **_tolerance("prediction", self.tier, self.prediction),
            },
            **({} if self.flips is None else {"flips": self.flips.document()}),
        }


def _tolerance(what, tier, worst):
    if tier != "C":
        return {f"{what}_ulp": 0}
    # The manifest holds integers that are floats.
    ulp = min(INTEGER_MAX, max(_TOLERANCE_MIN, _MARGIN * worst.ulp))
    near_zero = max(_NEAR_ZERO_MIN * worst.last_place, _MARGIN * worst.absolute)
    return {f"{what}_ulp": ulp} | ({f"{what}_abs": near_zero} if near_zero > 0 else {})
