"""How far the code that serves may be from the trained pipeline, and how far it was found to be."""

from dataclasses import dataclass

from plumb_trainer.json_form import INTEGER_MAX

# Another processor's kernels add up in another order: what was measured here is not yet the worst.
_MARGIN = 8
_TOLERANCE_MIN = 64


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
    """The worst differences that were found, in units in the last place.

    Parameters
    ----------
    tier : {"A", "B", "C"}
        As `Exported.tier`, or B where the model's features are computed with mathematics of our own. Features are the same bits in each.
    rows : int
        How many were compared.
    margin_ulp, prediction_ulp : int
        Of the model's outputs, and of predictions and probabilities.
    raw_tier : {"A", "C"}, default=None
        Of the model's outputs, where what makes answers of them is less true than they are; None is `tier`.
    flips : Flips, default=None
        None where no row can reach another leaf.
    """

    tier: str
    rows: int
    margin_ulp: int = 0
    prediction_ulp: int = 0
    raw_tier: str | None = None
    flips: Flips | None = None

    def document(self, reference):
        """Return the manifest's member."""
        return {
            "tier": self.tier,
            "reference": reference,
            "rows": self.rows,
            "features_ulp_max": 0,
            "margin_ulp_max": self.margin_ulp,
            "tolerance": {
                "features_ulp": 0,
                "margin_ulp": _tolerance(self.raw_tier or self.tier, self.margin_ulp),
                "prediction_ulp": _tolerance(self.tier, self.prediction_ulp),
            },
            **({} if self.flips is None else {"flips": self.flips.document()}),
        }


def _tolerance(tier, measured):
    # The manifest holds integers that are floats.
    return min(INTEGER_MAX, max(_TOLERANCE_MIN, _MARGIN * measured)) if tier == "C" else 0
