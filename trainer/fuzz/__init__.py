"""Random frames, steps and models, exported and held to the pipeline's own answers on rows that it never saw: ``python -m fuzz``."""
