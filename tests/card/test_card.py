"""The card says what the bundle says, is written with all else, and over nobody's file."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.card.cases import CASES
from tests.card.conftest import card_of, programs
from toolkit.bundle import CARD, CARD_MARK, open_bundle, with_reports, with_variants
from toolkit.card import page
from toolkit.card.columns import SHARED, TEXTS, columns, outwards
from toolkit.errors import CorruptArtifact, InvalidInput
from toolkit.exporter import export
from toolkit.quantizer import quantize
from toolkit.report.flow import bench
from toolkit.runtime.verify import verify


def section(card: str, title: str) -> str:
    return card.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def exported(name, out, **options):
    case = CASES[name]()
    bundle = export(case.estimator, case.X, case.y, name="m", out=out, **case.options, **options)
    return bundle.path


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir()}


# --- what it says ---------------------------------------------------------------------------------


def test_it_is_listed_stays_at_home_and_is_verified(made):
    entry = open_bundle(made("table")).manifest["files"][CARD]
    assert (entry["role"], entry["method"]) == ("home", None)
    assert {c.file for c in verify(made("table")) if c.passed} >= {CARD}


def test_inputs_outputs_and_classes(made):
    card = card_of(made("table"))
    for line in (
        "| 0 | <code>city</code> | text (string) | an empty text | <code>Bonn</code>, "
        "<code>Kiel</code>, <code>Ulm</code> |",
        "| 4 | <code>rooms</code> | whole number (int64) | none | 1 to 8 |",
        "| 5 | <code>garden</code> | true or false (bool) | none | false and true |",
        "| <code>label</code> | string \\[N\\] | what `predict` answers: the class |",
        "The classes, in the order of their columns: <code>large</code>, <code>small</code>.",
    ):
        assert line in card
    assert "| NaN |" in section(card, "Inputs")
    assert "NaN; infinities too" in card_of(made("doubles"))


def test_an_export_again_is_the_same_to_the_byte(tmp_path, made):
    exported("several", tmp_path / "one")
    exported("several", tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    exported("several", tmp_path / "one")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_quantize_and_bench_write_it_anew(california, quick):
    quantize(california, ["float16"])
    before = card_of(california)
    assert "Nothing more was measured" in section(before, "Figures")
    assert "<code>model.uint8-pack.pack</code>" in before
    report = bench(california, goal="portable")
    card = card_of(california)
    assert f"Recommended: <code>{report.recommended.file}</code>" in card
    row = next(r for r in report.variants if r.method == "uint8-pack")
    assert f"| {row.bytes} | {row.metrics['r2']:.4g} |" in card
    assert "Nothing more was measured" not in card
    quantize(california, ["uint8-pack"])  # the report is gone, and so are its figures
    assert "Nothing more was measured" in card_of(california)


def test_the_programs_run_the_recommended_graph(california):
    """A pack needs toolkit's own runtime: then it is model.onnx."""
    bundle = open_bundle(california)
    other = "model.float16.onnx"
    bundle.manifest["files"][other] = {
        **bundle.manifest["files"]["model.onnx"],
        "session": {"config": {"a": "b"}},
    }
    for file, run in (
        (other, other),
        ("model.uint8-pack.pack", "model.onnx"),
        (None, "model.onnx"),
    ):
        report = {"variants": [], "recommended": {"file": file}}

        def read(name, report=report):
            return json.dumps(report).encode() if name == "report.json" else bundle.read(name)

        card = page(bundle.manifest, read).decode()
        for program in programs(card).values():
            assert f'"{run}"' in program
            assert ('"a"' in program) == (run == other)
        assert ("it alone opens packs" in card) == (file == "model.uint8-pack.pack")


def test_a_failed_proof_comes_first_and_there_is_no_program(unproved):
    bundle = open_bundle(unproved)
    card = page(bundle.manifest, bundle.read).decode()
    assert "**Its proof: FAILED" in card.split("\n## ")[0]
    assert "None: the proof failed" in section(card, "Programs")
    assert programs(card) == {}


def test_a_copy_without_what_stays_at_home_says_less(made):
    bundle = open_bundle(made("table"))

    def travels(name):
        entry = bundle.manifest["files"].get(name)
        return bundle.read(name) if entry and entry["role"] != "home" else None

    card = page(bundle.manifest, travels).decode()
    assert "range" not in section(card, "Inputs")
    assert len(programs(card)) == 6
    assert programs(page(bundle.manifest, lambda _: None).decode()) == {}


@pytest.mark.parametrize("content", [b"[]", b"{}"])
def test_a_report_that_is_none_gives_no_figures(california, content):
    with_reports(open_bundle(california), {"report.json": content}, page)
    assert "Nothing more was measured" in card_of(california)


def test_a_damaged_report_is_an_error_in_a_line(california):
    content = json.dumps({"variants": [3]}).encode()
    before = contents(california)
    with pytest.raises(CorruptArtifact, match=r"manifest\.json or the report is damaged"):
        with_reports(open_bundle(california), {"report.json": content}, page)
    assert contents(california) == before


def test_a_graph_from_elsewhere_has_one(made, tmp_path):
    from toolkit.exporter.adoption import adopt

    model = (made("integers") / "model.onnx").read_bytes()
    X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    adopt(model, "given.onnx", X, name="given", out=tmp_path / "given")
    card = card_of(tmp_path / "given")
    assert "from elsewhere" in card
    assert len(programs(card)) == 6
    assert "sklearn" not in card


# --- ranges, which are of rows that are not to be shown -------------------------------------------


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_bounds_are_rounded_outwards(value):
    for sign in (-1, 1):
        text = outwards(value, sign)
        bound = float(text.replace("−", "-"))
        assert (bound - value) * sign >= 0
        assert len(text.lstrip("−").split("e")[0].replace(".", "").strip("0")) <= 3


def test_bounds_read_as_people_write_them():
    found = [outwards(v, 1) for v in (0.0, 17.0, 1234567.0, 0.30000000000000004, 1e-9, -0.1256)]
    assert found == ["0", "17", "1240000", "0.301", "1e−9", "−0.125"]


def text_column(values):
    manifest = {"inputs": [{"name": "t", "dtype": "string", "shape": [None, 1], "takes": "nan"}]}
    (column,) = columns(manifest, {"t": np.array(values, dtype=str).reshape(-1, 1)})
    return column


def test_texts_are_named_where_several_rows_share_them():
    assert text_column(["a"] * SHARED + ["b"] * SHARED + [""]).texts == ("a", "b")
    for rare in (
        ["a"] * SHARED + ["Ada Lovelace"] * (SHARED - 1),
        [str(k) for k in range(TEXTS + 1)] * SHARED,
        ["x" * 50] * SHARED,
        [""] * SHARED,
    ):
        assert text_column(rare).texts == ()
    assert "Ada" not in text_column(["a"] * SHARED + ["Ada"]).seen


# --- whose file it is -----------------------------------------------------------------------------


def test_a_readme_of_somebody_else_is_refused_before_any_work(california, monkeypatch):
    import toolkit.exporter.flow as flow
    import toolkit.quantizer.flow as quantizing
    import toolkit.runner.flow as running

    def reached(*_, **__):
        raise AssertionError("work had begun")

    for module, name in ((flow, "convert_and_prove"), (quantizing, "Calibration")):
        monkeypatch.setattr(module, name, reached)
    monkeypatch.setattr(running, "bench", reached)
    (california / CARD).write_text("# My own words\n", encoding="utf-8")
    before = contents(california)
    case = CASES["several"]()
    for work in (
        lambda: quantize(california),
        lambda: bench(california),
        lambda: export(case.estimator, case.X, name="california-linear", out=california),
        lambda: export(case.estimator, case.X, name="m", out=california, force=True),
    ):
        with pytest.raises(InvalidInput, match="is not the card that toolkit wrote there"):
            work()
    assert contents(california) == before


@pytest.mark.parametrize("kind", ["edited", "unlisted", "link", "folder"])
def test_it_is_refused_again_when_the_directory_is_locked(california, kind, tmp_path):
    path = california / CARD
    bundle = open_bundle(california)
    if kind == "edited":
        path.write_text(path.read_text(encoding="utf-8") + "My words.\n", encoding="utf-8")
    elif kind == "unlisted":
        del bundle.manifest["files"][CARD]
        text = json.dumps(bundle.manifest)
        (california / "manifest.json").write_text(text, encoding="utf-8")
    elif kind == "link":
        path.unlink()
        path.symlink_to(tmp_path / "nowhere")
    else:
        path.unlink()
        path.mkdir()
    before = sorted(california.iterdir())
    for write in (
        lambda: with_variants(bundle, [], page=page),
        lambda: with_reports(bundle, {"report.md": b"x"}, page),
    ):
        with pytest.raises(InvalidInput, match="move it elsewhere"):
            write()
    assert sorted(california.iterdir()) == before


def test_force_takes_an_edited_card_for_one_and_no_other_file(tmp_path):
    folder = exported("several", tmp_path / "m")
    first = card_of(folder)
    assert first.startswith(CARD_MARK)
    (folder / CARD).write_text(first + "edited\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"README\.md: is not the card"):
        exported("several", folder)
    exported("several", folder, force=True)
    assert card_of(folder) == first
    (folder / "manifest.json").write_text("{", encoding="utf-8")
    exported("several", folder, force=True)
    assert card_of(folder) == first


def test_a_folder_with_a_readme_and_no_model_keeps_it(tmp_path):
    (tmp_path / CARD).write_text("# A project\n", encoding="utf-8")
    for force in (False, True):
        with pytest.raises(InvalidInput):
            exported("several", tmp_path, force=force)
    assert contents(tmp_path) == {CARD: b"# A project\n"}


def test_a_bundle_from_before_cards_gets_one(california):
    bundle = open_bundle(california)
    del bundle.manifest["files"][CARD], bundle.manifest["license"]
    (california / "manifest.json").write_text(json.dumps(bundle.manifest), encoding="utf-8")
    (california / CARD).unlink()
    quantize(california, ["uint8-pack"])
    assert "not stated" in section(card_of(california), "Licence")
    assert all(c.passed for c in verify(california))


def test_the_command_line_refuses_in_one_line(california):
    (california / CARD).write_text("mine", encoding="utf-8")
    for command in ("quantize", "bench"):
        done = subprocess.run(
            [sys.executable, "-m", "toolkit", command, california],
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert (done.returncode, done.stdout) == (2, "")
        line = done.stderr.splitlines()[-1]  # after what it is at
        assert line.startswith(f"error: {california / CARD}: is not the card that toolkit wrote")
    assert (california / CARD).read_text(encoding="utf-8") == "mine"


# --- the licence ----------------------------------------------------------------------------------


def test_a_licence_is_in_manifest_card_and_bill(tmp_path):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    from toolkit.report.bom import as_bom

    folder = exported("several", tmp_path / "m", license="Apache-2.0 OR `MIT`")
    bundle = open_bundle(folder)
    assert bundle.manifest["license"] == "Apache-2.0 OR `MIT`"
    stated = "Licence of the model: <code>Apache-2.0 OR \\`MIT\\`</code>."
    assert stated in section(card_of(folder), "Licence")
    document = as_bom(bundle, None)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(document) is None
    component = json.loads(document)["metadata"]["component"]
    assert component["licenses"] == [{"license": {"name": "Apache-2.0 OR `MIT`"}}]
    quantize(folder, ["uint8-pack"])
    assert stated in card_of(folder)


@pytest.mark.parametrize("license", ["", " ", "two\nlines", "x" * 201, 3])
def test_what_is_no_licence_is_refused_before_any_work(tmp_path, license):
    with pytest.raises(InvalidInput, match=r"license .*: is no line of up to 200 letters"):
        exported("several", tmp_path / "m", license=license)
    assert not (tmp_path / "m").exists()


@pytest.mark.slow
def test_the_command_line_takes_one(tmp_path):
    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "toolkit", *arguments],
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    done = run("export", "california-linear", "-o", "m", "--license", "CC0-1.0")
    assert done.returncode == 0, done.stderr
    assert "<code>CC0-1.0</code>" in card_of(tmp_path / "m")
    done = run("export", "california-linear", "-o", "n", "--license", "")
    assert (done.returncode, (tmp_path / "n").exists()) == (2, False)
    shutil.rmtree(tmp_path / "m")
    done = run("build", "california-linear", "-o", "m", "--license", "CC0-1.0", "--save", "s.toml")
    assert done.returncode == 0, done.stderr
    assert "<code>CC0-1.0</code>" in card_of(tmp_path / "m")
    assert 'license = "CC0-1.0"' in (tmp_path / "s.toml").read_text(encoding="utf-8")
