"""The page at `/`: what the manifest says, escaped, with nothing that runs or is fetched."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser

from tests.serve.conftest import running
from toolkit.serve.card import page
from toolkit.serve.models import Options, open_models

HOSTILE = "<script>alert(1)</script>\"'&\x1b[31m\u202e"


class Elements(HTMLParser):
    """The elements of a page, their attributes, and its text."""

    def __init__(self, text):
        super().__init__()
        self.names, self.attributes, self.text, self.open = [], [], "", []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data if self.open[-1:] != ["style"] else ""


def test_the_page_shows_each_models_card(server):
    answer = server.get("/")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src ")
    seen = Elements(answer.body.decode())
    assert seen.open == []
    for words in (
        "california-linear", "LinearRegression()", "FP32 [N, 8] takes finite",
        "passed (on 4,128 held-out", "uint8-pack", "homes", "BYTES [N, 1]",
        "POST /v2/models/homes/infer", "none: the file lies in no model directory",
    ):  # fmt: skip
        assert words in seen.text, words
    assert set(seen.names).isdisjoint({"script", "img", "link", "iframe", "form", "a"})
    assert {name for name, _ in seen.attributes}.isdisjoint({"src", "href", "style", "onclick"})


def test_the_request_on_the_page_is_one(server):
    seen = Elements(server.get("/").body.decode())
    examples = [line for line in seen.text.splitlines() if '{"inputs":' in line]
    document = json.loads(examples[0][examples[0].index("{") :])
    assert server.infer("california-linear", *document["inputs"]).status == 200


def test_figures_are_the_reports(california):
    report = {"variants": [{"file": "model.onnx", "metrics": {"r2": 0.123456, "mse": "odd"}}, 7]}
    (model,) = open_models([str(california)], Options())["california-linear"].values()
    shown = replace(model, report=report)
    text = Elements(page({model.name: {"float32": shown}}).decode()).text
    assert "0.123456" in text
    assert "odd" not in text
    for odd in ({"variants": 3}, {}, {"variants": [None]}):
        assert page({model.name: {"float32": replace(shown, report=odd)}})


def test_columns_have_their_names(named_bundle):
    text = Elements(page(open_models([str(named_bundle)], Options())).decode()).text
    assert "[N, 3] a, b, c; takes finite" in text


def test_text_from_anywhere_stays_text(california):
    path = california / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["name"] = HOSTILE
    manifest["estimator"]["summary"] = HOSTILE
    manifest["inputs"][0]["columns"] = [HOSTILE, *"bcdefgh"]
    path.write_text(json.dumps(manifest), encoding="utf-8")
    with running(california) as server:
        text = server.get("/").body.decode()
        answer = server.get("/v2/models/none")
    assert answer.status == 404
    assert "<script" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "<script>alert(1)</script>" in Elements(text).text
