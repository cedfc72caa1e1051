"""A fitted pipeline with its data, and everything that is asked of it."""
