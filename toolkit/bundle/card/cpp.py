"""C++, with onnxruntime's own header and library."""

from __future__ import annotations

from toolkit.bundle.card import escapes
from toolkit.bundle.card.example import Answer, Example, Given
from toolkit.bundle.card.layout import Style, identifier, packed, statements

TITLE, FENCE = "C++", "cpp"
NEEDS = (
    "C++17 with the headers and the library of an onnxruntime release: "
    "`g++ -std=c++17 -I include predict.cpp -L lib -lonnxruntime`."
)
STYLE = Style(
    escapes.cpp,
    ("false", "true"),
    dict.fromkeys(("float32", "float64"), ("NAN", "INFINITY", "-INFINITY")),
    {"float32": "f", "int64": "LL"},
    "//",
)
TYPES = {"float32": "float", "float64": "double", "int64": "int64_t", "bool": "bool"}

NUMBERS = """\
template <typename T>
Ort::Value numbers(const std::vector<T>& row) {
  Ort::AllocatorWithDefaultOptions allocator;
  const int64_t shape[] = {1, static_cast<int64_t>(row.size())};
  auto value = Ort::Value::CreateTensor<T>(allocator, shape, 2);
  std::copy(row.begin(), row.end(), value.template GetTensorMutableData<T>());
  return value;
}
"""
TEXTS = """\
Ort::Value texts(const std::vector<const char*>& row) {
  Ort::AllocatorWithDefaultOptions allocator;
  const int64_t shape[] = {1, static_cast<int64_t>(row.size())};
  auto value = Ort::Value::CreateTensor(allocator, shape, 2, ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING);
  value.FillStringTensor(row.data(), row.size());
  return value;
}
"""
SIZE = """\
  auto size = [&](int at) {
    return answers[at].GetTensorTypeAndShapeInfo().GetElementCount();
  };"""


def program(example: Example) -> str:
    """Return a program that prints each output's name and values."""
    text, given, answers = STYLE.text, example.given, example.answers
    kinds = {g.dtype == "string" for g in given}
    config = [f"  options.AddConfigEntry({text(k)}, {text(v)});" for k, v in example.config]
    row = statements([f"row.push_back({_value(g)});" for g in given], "  ")
    return "\n".join(
        [
            "#include <onnxruntime_cxx_api.h>",
            *(f"#include <{name}>" for name in ("algorithm", "cmath", "iostream", "vector")),
            "",
            *([NUMBERS] if False in kinds else []),
            *([TEXTS] if True in kinds else []),
            "int main() {",
            "  Ort::Env env(ORT_LOGGING_LEVEL_WARNING);",
            "  Ort::SessionOptions options;",
            *config,
            f"  Ort::Session session(env, ORT_TSTR({text(example.file)}), options);",
            f"  const char* inputs[] = {{{_names([g.name for g in given])}}};",
            f"  const char* outputs[] = {{{_names([a.name for a in answers])}}};",
            "  std::vector<Ort::Value> row;",
            *row,
            "  auto answers = session.Run({}, inputs, row.data(), row.size(), outputs, "
            f"{len(answers)});",
            SIZE,
            *(line for k, a in enumerate(answers) for line in _printed(a, k)),
            "  std::cout << std::endl;",
            "}",
            *STYLE.expected(example),
        ]
    )


def _names(names: list[str]) -> str:
    lines = packed([STYLE.text(n) for n in names], "      ")
    return f"\n{lines}" if "\n" in lines else lines.strip()


def _value(given: Given) -> str:
    if given.dtype == "string":
        filled = f'std::vector<const char*>({given.width}, "")'
        return f"texts({filled if given.values is None else _braced(given)})"
    kind = TYPES[given.dtype]
    filled = f"std::vector<{kind}>({given.width})"
    return f"numbers<{kind}>({filled if given.values is None else _braced(given)})"


def _braced(given: Given) -> str:
    return f"{{{STYLE.values(given, '  ')}}}"


def _printed(answer: Answer, place: int) -> list[str]:
    value, name = f"answers[{place}]", identifier(answer, place)
    if answer.dtype == "string":
        shown = f"{value}.GetStringTensorElement(k)"
    else:
        shown = f"{value}.GetTensorData<{TYPES[answer.dtype]}>()[k]"
    begin = "\\n" if place else ""
    return [
        f'  std::cout << "{begin}{name}";',
        f"  for (size_t k = 0; k < size({place}); ++k)",
        f'    std::cout << " " << {shown};',
    ]
