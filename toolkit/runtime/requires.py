"""What a graph needs of whatever opens it: versions, domains, the lowest onnxruntime.

The versions are of onnxruntime 1.x and were found by running: `scripts/requires` opens and runs
graphs of all kinds on each of them, and docs/requires.md is what it found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from toolkit.errors import CorruptArtifact, InvalidInput
from toolkit.runtime import wire

OLDEST = 16  # of the versions that were tried; what older ones run is not known
STANDARD, ML, CONTRIBUTED = "ai.onnx", "ai.onnx.ml", "com.microsoft"

# The first version that takes a version of the format, of the operators, and of ai.onnx.ml.
IR_SINCE = {8: 16, 9: 16, 10: 18, 11: 23, 12: 24, 13: 24}
OPSET_SINCE = {
    15: 16,
    16: 16,
    17: 16,
    18: 16,
    19: 16,
    20: 17,
    21: 18,
    22: 21,
    23: 23,
    24: 24,
    25: 24,
}
ML_SINCE = {3: 16, 4: 17, 5: 18}
# The first that has an operator, where it came later than the opset that defines it; what is of
# onnxruntime's own domain there quantizes to 16 bits.
OPERATOR_SINCE = {
    (ML, "TreeEnsemble"): 21,
    (CONTRIBUTED, "QuantizeLinear"): 17,
    (CONTRIBUTED, "DequantizeLinear"): 17,
}
# The first that has an element type of stored tensors, by TensorProto's number: uint4 and int4.
STORED_SINCE = {21: 19, 22: 19}
# The first that computes an operator in float64, (version, for opsets below).
FLOAT64_SINCE = {"Cos": (24, 99), "ReduceL1": (20, 18), "ReduceL2": (20, 99)}
# Older ones make one node of an operator and the only one that reads it, and lack that for float64.
ACTIVATIONS = ("Relu", "LeakyRelu", "Sigmoid", "Tanh", "Softplus", "Elu")
FUSED_SINCE = {("Gemm", after): 18 for after in ACTIVATIONS} | {("Transpose", "MatMul"): 21}
# Older ones make one node of the Gathers and Slices of a tensor, and name it after one of them: two
# of these from nodes without names are refused.
UNNAMED_SINCE = 22
PICKING = ("Gather", "Slice")

FLOAT64 = 11  # TensorProto's number of the type
# Operators that hold graphs. Others' attributes are not read: those of trees may be millions.
HOLDERS = ("If", "Loop", "Scan")
_TEXTS = (wire.NODE_INPUT, wire.NODE_OUTPUT, wire.NODE_NAME, wire.NODE_OP_TYPE, wire.NODE_DOMAIN)


def requires(model: bytes, origin: str) -> dict[str, Any]:
    """Return what a serialized model needs, as a manifest keeps it; origin names it in messages.

    "opset": of the standard operators, "ir_version": of the format, "domains": each domain that its
    operators are of, with the version; "standard": whether ONNX's own domains suffice, and "beyond"
    which operators are of others; "onnxruntime": the lowest version that runs it, None where no
    version that was tried does. Raises CorruptArtifact where the model is not well formed.
    """
    try:
        facts = _read(model)
    except (ValueError, RecursionError) as error:
        raise CorruptArtifact(
            f"{origin}: is no well-formed ONNX model ({error}); copy or make the file again"
        ) from None
    domains = sorted({domain for domain, _ in facts.operators()})
    beyond = sorted(f"{d}.{o}" for d, o in facts.operators() if d not in (STANDARD, ML))
    lowest = _lowest(facts)
    return {
        "opset": facts.versions.get(STANDARD),
        "ir_version": facts.ir_version,
        "domains": {domain: facts.versions.get(domain) for domain in domains},
        "standard": not beyond,
        "beyond": beyond,
        "onnxruntime": None if lowest is None else f"1.{lowest}",
    }


def minor(version: str) -> int:
    """Return the y of a version 1.y of onnxruntime, 1.y.z or "1.y"; InvalidInput for no version."""
    major, _, rest = version.partition(".")
    number = rest.partition(".")[0]
    if not (major.isascii() and major.isdecimal() and number.isascii() and number.isdecimal()):
        raise InvalidInput(
            f"runtime {version!r} is no version of onnxruntime; give one such as 1.{OLDEST + 2}"
        )
    return int(number) if int(major) == 1 else (0 if int(major) < 1 else 10**6)


def too_old(needed: Any, installed: str) -> str:
    """Return why the installed onnxruntime cannot run a file, "" where it may.

    needed: the "onnxruntime" of `requires`, which a manifest may lack or spoil.
    """
    try:
        if not isinstance(needed, str) or minor(installed) >= minor(needed):
            return ""
    except InvalidInput:
        return ""
    here = ".".join(installed.split(".")[:2])
    return f"needs onnxruntime {needed} or newer; this is {installed}; export with --runtime {here}"


@dataclass(frozen=True)
class _Node:
    """A node: its operator's domain and name, its own name, the tensors that it reads and makes."""

    domain: str
    operator: str
    name: str
    inputs: list[str]
    outputs: list[str]


@dataclass
class _Found:
    """What a model's messages say, graphs inside nodes among them.

    readers: how often a tensor is read. stored: the element types of stored tensors. wide: the
    tensors of float64; passes: the tensors whose type another one has.
    """

    ir_version: int = 0
    versions: dict[str, int] = field(default_factory=dict)
    nodes: list[_Node] = field(default_factory=list)
    readers: Counter[str] = field(default_factory=Counter)
    stored: set[int] = field(default_factory=set)
    wide: set[str] = field(default_factory=set)
    passes: dict[str, list[str]] = field(default_factory=dict)

    def operators(self) -> set[tuple[str, str]]:
        """Return (domain, operator) of all nodes."""
        return {(n.domain, n.operator) for n in self.nodes}

    def spread(self) -> None:
        """Let tensors be of float64 where those are whose type they have."""
        waiting = list(self.wide)
        while waiting:
            for name in self.passes.get(waiting.pop(), ()):
                if name not in self.wide:
                    self.wide.add(name)
                    waiting.append(name)


def _read(model: bytes) -> _Found:
    """Return what is found in a model; ValueError where a message is not well formed."""
    facts, graphs = _Found(), []
    for number, value in wire.fields(model):
        if number == wire.MODEL_IR_VERSION:
            facts.ir_version = wire.integer(value)
        elif number == wire.MODEL_OPSET_IMPORT:
            domain, version = wire.opset(value)
            facts.versions[domain or STANDARD] = version
        elif number == wire.MODEL_GRAPH:
            graphs.append(wire.message(value))
    _read_graph(graphs, facts)
    facts.spread()
    return facts


def _read_graph(parts: Iterable[bytes | memoryview], facts: _Found) -> list[str]:
    """Read a graph, whose message may be in parts; return its outputs' names."""
    outputs = []
    for number, value in chain.from_iterable(map(wire.fields, parts)):
        if number == wire.GRAPH_NODE:
            _read_node(wire.message(value), facts)
        elif number == wire.GRAPH_INITIALIZER:
            name, kind = wire.tensor_type(value)
            facts.stored.add(kind)
            _note_type(facts, name, kind)
        elif number in (wire.GRAPH_INPUT, wire.GRAPH_OUTPUT):
            name, kind = wire.value_type(value)
            _note_type(facts, name, kind)
            if number == wire.GRAPH_OUTPUT:
                outputs.append(name)
                facts.readers[name] += 1
    return outputs


def _note_type(facts: _Found, name: str, kind: int) -> None:
    if kind == FLOAT64:
        facts.wide.add(name)


def _read_node(content: bytes | memoryview, facts: _Found) -> None:
    texts: dict[int, list[str]] = {}
    attributes = []
    for number, value in wire.fields(content):
        if number == wire.NODE_ATTRIBUTE:
            attributes.append(wire.message(value))
        elif number in _TEXTS:
            texts.setdefault(number, []).append(wire.text(value))
    name, operator, domain = (texts.get(n, [""])[-1] for n in _TEXTS[2:])
    inputs, outputs = (texts.get(n, []) for n in _TEXTS[:2])
    facts.readers.update(inputs)
    facts.nodes.append(_Node(domain or STANDARD, operator, name, inputs, outputs))
    if operator == "Cast":
        to = [v for a in attributes for n, v in wire.fields(a) if n == wire.ATTRIBUTE_INT]
        if FLOAT64 in to:
            facts.wide.update(outputs)
    elif operator in HOLDERS:
        for attribute in attributes:
            for number, value in wire.fields(attribute):
                if number in (wire.ATTRIBUTE_GRAPH, wire.ATTRIBUTE_GRAPHS):
                    inner = _read_graph([wire.message(value)], facts)
                    own = inner[len(inner) > len(outputs) :]  # but for Loop's "go on"
                    for source, target in zip(own, outputs, strict=False):
                        facts.passes.setdefault(source, []).append(target)
    elif inputs:
        source = inputs[operator == "Where" and len(inputs) > 1]
        facts.passes.setdefault(source, []).extend(outputs)


def _lowest(facts: _Found) -> int | None:
    """Return the least y of the versions 1.y that run it, None where none that was tried does."""
    opset = facts.versions.get(STANDARD, 0)
    known = [
        *(STORED_SINCE.get(kind, OLDEST) for kind in facts.stored),
        _since(IR_SINCE, facts.ir_version),
        _since(OPSET_SINCE, opset),
        _since(ML_SINCE, facts.versions.get(ML, 0)),
        UNNAMED_SINCE if _picks_unnamed(facts) > 1 else OLDEST,
    ]
    makers = {tensor: n.operator for n in facts.nodes for tensor in n.outputs}
    for node in facts.nodes:
        known.append(OPERATOR_SINCE.get((node.domain, node.operator), OLDEST))
        if facts.wide.intersection(node.inputs):
            since, below = FLOAT64_SINCE.get(node.operator, (OLDEST, 0))
            known.append(since if opset < below else OLDEST)
            alone = (i for i in node.inputs if i in facts.wide and facts.readers[i] == 1)
            pairs = ((makers.get(i, ""), node.operator) for i in alone)
            known += [FUSED_SINCE.get(pair, OLDEST) for pair in pairs]
    versions = [version for version in known if version is not None]
    return max(versions) if len(versions) == len(known) else None


def _picks_unnamed(facts: _Found) -> int:
    """Return how many tensors several Gathers and Slices without names read."""
    nodes = (n for n in facts.nodes if n.operator in PICKING and not n.name and n.inputs)
    return sum(count > 1 for count in Counter(n.inputs[0] for n in nodes).values())


def _since(table: dict[int, int], version: int) -> int | None:
    """Return the first version that takes one of the format or of operators; None if unknown."""
    return OLDEST if version < min(table) else table.get(version)
