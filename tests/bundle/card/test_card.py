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

from tests.bundle.card.cases import CASES
from tests.bundle.card.conftest import card_of, programs
from toolkit.bundle import open_bundle, with_reports, with_variants
from toolkit.bundle.card import CARD, MARK, page
from toolkit.bundle.card.columns import SHARED, TEXTS, columns, outwards
from toolkit.errors import CorruptArtifact, InvalidInput, ToolkitWarning
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
    with_reports(open_bundle(california), {"report.json": content})
    assert "Nothing more was measured" in card_of(california)


def test_a_damaged_report_is_an_error_in_a_line(california):
    content = json.dumps({"variants": [3]}).encode()
    before = contents(california)
    with pytest.raises(CorruptArtifact, match=r"manifest\.json or the report is damaged"):
        with_reports(open_bundle(california), {"report.json": content})
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

STAYS = r"README\.md: is not the card that toolkit wrote there, so it stays as it is"


def test_a_readme_of_somebody_else_stays_and_is_not_listed(california, quick):
    (california / CARD).write_text("# My own words\n", encoding="utf-8")
    case = CASES["several"]()
    for work in (
        lambda: quantize(california, ["uint8-pack"]),
        lambda: bench(california),
        lambda: export(case.estimator, case.X, name="california-linear", out=california),
        lambda: export(case.estimator, case.X, name="m", out=california, force=True),
    ):
        with pytest.warns(ToolkitWarning, match=STAYS):
            work()
        assert card_of(california) == "# My own words\n"
        assert CARD not in open_bundle(california).manifest["files"]
    assert all(c.passed for c in verify(california))
    (california / CARD).unlink()
    quantize(california, ["uint8-pack"])
    assert card_of(california).startswith(MARK)


@pytest.mark.parametrize("kind", ["edited", "link", "folder"])
def test_what_is_in_its_place_is_not_touched(california, kind, tmp_path):
    path = california / CARD
    text = path.read_text(encoding="utf-8") + "My words.\n"
    path.unlink()
    if kind == "edited":
        path.write_text(text, encoding="utf-8")
    elif kind == "link":
        path.symlink_to(tmp_path / "nowhere")
    else:
        path.mkdir()
    with pytest.warns(ToolkitWarning, match=STAYS):
        with_variants(open_bundle(california), [])
    with pytest.warns(ToolkitWarning, match=STAYS):
        with_reports(open_bundle(california), {"report.md": b"x"})
    assert (path.is_symlink(), path.is_dir()) == (kind == "link", kind == "folder")
    if kind == "edited":
        assert card_of(california) == text
    assert CARD not in open_bundle(california).manifest["files"]


def test_a_card_is_known_where_no_manifest_can_be_read(tmp_path):
    folder = exported("several", tmp_path / "m")
    first = card_of(folder)
    (folder / "manifest.json").write_text("{", encoding="utf-8")
    exported("several", folder, force=True)
    assert card_of(folder) == first
    (folder / "manifest.json").unlink()
    (folder / CARD).write_text("# A project\n", encoding="utf-8")
    with pytest.warns(ToolkitWarning, match=STAYS):
        exported("several", folder, force=True)
    assert card_of(folder) == "# A project\n"


def test_a_card_that_was_removed_is_written_again(california):
    (california / CARD).unlink()
    assert all(c.passed for c in verify(california))  # as where it stayed at home
    quantize(california, ["uint8-pack"])
    assert card_of(california).startswith(MARK)


def test_a_bundle_from_before_cards_gets_one(california):
    bundle = open_bundle(california)
    del bundle.manifest["files"][CARD], bundle.manifest["license"]
    (california / "manifest.json").write_text(json.dumps(bundle.manifest), encoding="utf-8")
    (california / CARD).unlink()
    quantize(california, ["uint8-pack"])
    assert "not stated" in section(card_of(california), "Licence")
    assert all(c.passed for c in verify(california))


def test_a_signature_covers_it(california, keys):
    pytest.importorskip("cryptography")
    from toolkit.bundle.signing import sign

    sign(california, keys / "k.pem")
    assert all(c.passed for c in verify(california, require_signature=keys / "k.pub"))
    (california / CARD).write_text("another", encoding="utf-8")
    with pytest.raises(CorruptArtifact, match=r"README\.md: its SHA-256 is not the one"):
        verify(california, require_signature=keys / "k.pub")


def test_the_command_line_says_in_a_line_that_it_stays(california):
    (california / CARD).write_text("mine", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "toolkit", "quantize", california, "--method", "uint8-pack"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (line,) = [x for x in done.stderr.splitlines() if "README.md" in x]
    assert "so it stays as it is and the manifest does not list it" in line
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
