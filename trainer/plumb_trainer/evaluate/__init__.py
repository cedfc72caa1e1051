"""How good the answers are, and how features and predictions are distributed."""
