"""The offline trainer of Plumb: data in, a fitted pipeline, and a bundle that is proved to answer as the pipeline does."""

__version__ = "0.1.0"
__all__ = ["export_bundle"]


def __getattr__(name):
    # Not at the head: the portable mathematics is used without a library of trees in memory.
    if name == "export_bundle":
        from plumb_trainer.library import export_bundle

        return export_bundle
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
