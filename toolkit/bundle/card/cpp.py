"""The program in C++: onnxruntime's C++ interface."""

from __future__ import annotations

import math
from typing import Any

from toolkit.bundle.card.facts import MODEL, Answer, Facts, Given
from toolkit.bundle.card.text import c_quoted, wrapped

TITLE, FENCE = "C++", "cpp"
NOTE = "`c++ -std=c++17 predict.cpp -lonnxruntime`, with the headers and library of a release"

MEMORY = "  auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);\n"
TYPES = {
    "float32": "float",
    "float64": "double",
    "bool": "bool",
    **{f"{s}int{b}": f"{s}int{b}_t" for s in ("", "u") for b in (8, 16, 32, 64)},
}


def program(facts: Facts) -> str:
    """Return the program's source."""
    config = "".join(
        f"  options.AddConfigEntry({c_quoted(k)}, {c_quoted(v)});\n"
        for k, v in facts.config.items()
    )
    kinds = {given.dtype == "string" for given in facts.inputs}
    texts = "  Ort::AllocatorWithDefaultOptions allocator;\n" if True in kinds else ""
    numbers = MEMORY if False in kinds else ""
    inputs = "".join(_input(k, given) for k, given in enumerate(facts.inputs))
    names = ", ".join(c_quoted(i.name) for i in facts.inputs)
    outputs = ", ".join(c_quoted(o.name) for o in facts.outputs)
    shown = "".join(_output(k, answer) for k, answer in enumerate(facts.outputs))
    return (
        "#include <cmath>\n#include <iostream>\n#include <onnxruntime_cxx_api.h>\n#include <vector>"
        "\n\nint main() {\n  Ort::Env env;\n  Ort::SessionOptions options;\n"
        f"{config}  Ort::Session session(env, ORT_TSTR({c_quoted(MODEL)}), options);\n"
        f"{texts}{numbers}  std::vector<Ort::Value> row;\n{inputs}"
        f"  const char* names[] = {{{names}}};\n  const char* outputs[] = {{{outputs}}};\n"
        "  auto answers = session.Run(Ort::RunOptions{}, names, row.data(), row.size(), outputs, "
        f"{len(facts.outputs)});\n{shown}}}\n"
    )


def _input(k: int, given: Given) -> str:
    shape = f"  const int64_t shape{k}[] = {{1, {given.width}}};\n"
    values = wrapped([_value(v, given.dtype) for v in given.values], "      ")
    if given.dtype == "string":
        return (
            f"{shape}  const char* texts{k}[] = {{{values}}};\n"
            f"  row.push_back(Ort::Value::CreateTensor(allocator, shape{k}, 2, "
            "ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING));\n"
            f"  row.back().FillStringTensor(texts{k}, {given.width});\n"
        )
    kind = TYPES.get(given.dtype, "float")
    return (
        f"{shape}  {kind} values{k}[] = {{{values}}};\n"
        f"  row.push_back(Ort::Value::CreateTensor<{kind}>(memory, values{k}, {given.width}, "
        f"shape{k}, 2));\n"
    )


def _output(k: int, answer: Answer) -> str:
    name = c_quoted(answer.name + " ")
    if answer.dtype == "string":
        first = f"answers[{k}].GetStringTensorElement(0)"
    else:
        first = f"answers[{k}].GetTensorData<{TYPES.get(answer.dtype, 'float')}>()[0]"
    return f'  std::cout << {name} << {first} << "\\n";\n'


def _value(value: Any, dtype: str) -> str:
    if isinstance(value, str):
        return c_quoted(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        if not math.isfinite(value):
            return "NAN" if math.isnan(value) else ("INFINITY" if value > 0 else "-INFINITY")
        return f"{value!r}f" if dtype == "float32" else repr(value)
    return f"{value}"
