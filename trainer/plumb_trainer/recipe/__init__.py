"""A recipe: what to train, on what, and how; read strictly."""
