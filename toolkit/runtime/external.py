"""Finding models that name other files: onnxruntime would read those, wherever they lie.

A tensor may say that its data is in a file beside the model. onnxruntime refuses that for a plain
initializer of a model that is given as bytes, but reads relative paths for sparse tensors and for
tensors of subgraphs (seen with 1.31). An artifact of toolkit is one file: such a name is refused.
"""

from __future__ import annotations

# The key under which onnx.proto3 keeps a file's path. A model without these bytes names no file,
# and no tensor needs to be looked at: searching takes a millisecond for 10 MB.
KEY = b"location"

EXTERNAL_DATA = 13  # in TensorProto: repeated StringStringEntryProto
ENTRY_KEY, ENTRY_VALUE = 1, 2

# Message -> field number -> message, for every way from a model to a tensor in onnx.proto3.
CHILDREN: dict[str, dict[int, str]] = {
    "Model": {7: "Graph", 20: "Training", 25: "Function"},
    "Training": {1: "Graph", 2: "Graph"},
    "Graph": {1: "Node", 5: "Tensor", 15: "SparseTensor"},
    "Function": {7: "Node", 11: "Attribute"},
    "Node": {5: "Attribute"},
    "Attribute": {
        5: "Tensor",
        6: "Graph",
        10: "Tensor",
        11: "Graph",
        22: "SparseTensor",
        23: "SparseTensor",
    },
    "SparseTensor": {1: "Tensor", 2: "Tensor"},
}


def external_file(model: bytes) -> str | None:
    """Return the first path of another file that a serialized model names, None where none is.

    Raises ValueError where a message on the way to it is not well formed.
    """
    if KEY not in model:
        return None
    from toolkit.runtime.wire import fields

    waiting = [("Model", model)]
    while waiting:
        kind, content = waiting.pop()
        # Messages without the key are passed over unread: a tree's million numbers cost nothing.
        if KEY not in content:
            continue
        for number, value in fields(content):
            if isinstance(value, int):
                continue
            if kind == "Tensor":
                if number == EXTERNAL_DATA and KEY in bytes(value):
                    return _path(value)
            elif number in CHILDREN[kind]:
                waiting.append((CHILDREN[kind][number], bytes(value)))
    return None


def _path(entry: memoryview) -> str:
    from toolkit.runtime.wire import fields

    values = [v for n, v in fields(entry) if n == ENTRY_VALUE and not isinstance(v, int)]
    return bytes(values[-1]).decode(errors="replace") if values else ""
