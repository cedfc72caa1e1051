"""The offline trainer of Plumb: data in, a fitted pipeline, and a bundle that is proved to answer as the pipeline does."""

from importlib import import_module

__version__ = "0.1.0"
__all__ = ["TrainerError", "export_bundle", "export_onnx"]
# Not imported at the head: the portable mathematics is used without a library of trees in memory.
_MODULES = {"export_bundle": "run.export", "export_onnx": "run.onnx_bundle", "TrainerError": "errors"}


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
