"""Lists in a preprocessing graph: what it calls them, and that each goes only where lists of its kind are read."""

from plumb_trainer.errors import TrainerError, quote
from plumb_trainer.graph.operators import OPERATORS

_LIST_READERS = {operator.name: operator.reads_lists for operator in OPERATORS.values() if operator.reads_lists}
_WAYS_OUT = {"numbers": "a RowWindow", "booleans": "a RowWindow", "strings": 'a FeatureHasher of input_type="string"'}


def graph_type(feature):
    """Return what the graph calls the type of a feature."""
    return "numbers" if feature.type == "integers" else feature.type


def refuse_lists(nodes, types):
    """Raise TrainerError where a list goes into an operator that doesn't read lists of its kind, or a value into one that reads lists."""
    for node in nodes:
        wanted = _LIST_READERS.get(node["op"], ())
        for name in node["inputs"]:
            kind, place = types.get(name), f"preprocessing, column {quote(name)}"
            if kind in _WAYS_OUT and kind not in wanted:
                raise TrainerError(f"{place}: a list of {kind} can't go into {node['op']}; give it {_WAYS_OUT[kind]} first")
            if wanted and kind not in _WAYS_OUT:
                raise TrainerError(
                    f"{place}: {node['op']} reads lists, and each row has one value there; give the lists that it was fitted on"
                )
