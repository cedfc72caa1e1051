"""The offline trainer of Plumb: data in, a fitted pipeline, and a bundle that is proved to answer as the pipeline does."""

__version__ = "0.1.0"
