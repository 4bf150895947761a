"""`toolkit build` and `toolkit check`: two commands from an estimator's file to an answer."""

from __future__ import annotations

import json
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.cluster import DBSCAN
from sklearn.compose import make_column_transformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from toolkit import stages
from toolkit.cli import main, settings
from toolkit.cli.progress import progress
from toolkit.cli.settings import Settings
from toolkit.errors import InvalidInput

RNG = np.random.default_rng(2)
TABLE = pd.DataFrame({"size": RNG.normal(50, 9, 120), "city": RNG.choice(["Ulm", "Kiel"], 120)})
PRICE = TABLE["size"] * 3 + (TABLE["city"] == "Ulm") * 20 + RNG.normal(size=120)


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder with an estimator's file and its rows."""
    monkeypatch.chdir(tmp_path)
    encoder = make_column_transformer((OneHotEncoder(), ["city"]), remainder=StandardScaler())
    skops.io.dump(make_pipeline(encoder, Ridge()).fit(TABLE, PRICE), "price.skops")
    TABLE.assign(price=PRICE).to_csv("rows.csv", index=False)
    return tmp_path


OWN = ["price.skops", "--data", "rows.csv", "--target", "price"]


@pytest.mark.usefixtures("quick")
def test_from_a_file_to_the_recommended_one(own, capsys):
    assert main(["build", *OWN, "--save", "how/price.toml"]) == 0
    out, err = capsys.readouterr()
    folder = own / "models" / "price"
    answer = json.loads((folder / "report.json").read_text(encoding="utf-8"))["recommended"]
    assert (folder / answer["file"]).is_file()
    assert out.splitlines()[1].split()[:2] == ["recommended", f"{answer['file']},"]
    assert "toolkit verify" in out
    assert "method " not in out
    assert "exporting price and proving it" in err
    assert main(["verify", str(folder)]) == 0

    written = (own / "how" / "price.toml").read_text(encoding="utf-8")
    assert 'source = "../price.skops"' in written
    capsys.readouterr()
    again = ["build", "how/price.toml", "--for", "accuracy", "--json", "-q"]
    assert main(again) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert json.loads(out)["recommended"]["goal"] == "accuracy"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--for", "sise"], "goal 'sise', did you mean 'size'"),
        (["--within", "x<=1"], "there is no metric 'x'"),
        (["--save", "settings.json"], "build reads settings from .toml files"),
    ],
)
def test_wrong_options_end_before_the_work(own, capsys, words, said):
    assert main(["build", *OWN, *words]) == 2
    assert said in capsys.readouterr().err
    assert not (own / "models").exists()
    assert not (own / "settings.json").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("source = 3", "source is 3; write a text"),
        ('source = "a"\ngates = "x"', "gates is 'x'; write a list of texts"),
        ('source = "a"\nsorce = "b"', "has no setting 'sorce'"),
        ('data = "a"', "names no source"),
        ("source = ", "cannot be read as settings"),
    ],
)
def test_settings_that_are_none(tmp_path, content, said):
    path = tmp_path / "s.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidInput, match=said):
        settings.read(path, {})
    with pytest.raises(InvalidInput, match="cannot be read as settings"):
        settings.read(tmp_path / "none.toml", {})


def test_settings_come_back(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = Settings(
        "a.skops", data='Zürich "1".csv', target="x\\y", gates=("nmse<=1",), goal="size", out="m"
    )
    settings.write(asked, tmp_path / "s.toml")
    back = settings.read(tmp_path / "s.toml", {"goal": "speed"})
    assert (back.source, back.out) == (str(tmp_path / "a.skops"), str(tmp_path / "m"))
    assert back.data == str(tmp_path / 'Zürich "1".csv')
    assert (back.target, back.gates, back.goal) == ("x\\y", ("nmse<=1",), "speed")


def test_check_names_every_part(own, capsys):
    assert main(["check", *OWN]) == 0
    out = capsys.readouterr().out
    assert "columntransformer.onehotencoder" in out
    assert "all 5 parts convert\n" in out
    assert main(["check", "price.skops"]) == 0
    assert "give --data to try their settings as well" in capsys.readouterr().out


def test_check_of_what_blocks(own, capsys):
    joblib.dump(DBSCAN().fit(TABLE[["size"]]), "spots.joblib")
    assert main(["check", "spots.joblib"]) == 2
    assert "--allow-pickle" in capsys.readouterr().err
    assert main(["check", "spots.joblib", "--allow-pickle", "--json"]) == 3
    document = json.loads(capsys.readouterr().out)
    assert not document["converts"]
    assert document["parts"][0]["verdict"] == "blocks"
    assert "has no converter" in document["parts"][0]["reason"]


def test_check_tries_settings_on_rows(own, capsys):
    model = make_pipeline(FunctionTransformer(np.flip), Ridge())
    joblib.dump(model.fit(TABLE[["size"]].to_numpy(), PRICE), "turned.joblib")
    np.savez("rows.npz", X=TABLE[["size"]].to_numpy(), y=PRICE)
    assert main(["check", "turned.joblib", "--allow-pickle"]) == 0
    assert "give --data" in capsys.readouterr().out
    assert main(["check", "turned.joblib", "--allow-pickle", "--data", "rows.npz"]) == 3
    out = capsys.readouterr().out
    assert "blocks       with these rows" in out
    assert "FunctionTransformer" in out.splitlines()[-2]


def test_progress_is_a_log_where_there_is_no_terminal(capsys):
    with progress() as (tell, step):
        tell("one")
        step("a")
        step("b")
    with progress(quiet=True) as (tell, step):
        tell("two")
        step("c")
    assert capsys.readouterr().err == "one\na\nb\n"


def test_a_log_has_no_steps_of_short_work_and_few_of_long(monkeypatch, capsys):
    now = 0.0
    monkeypatch.setattr("toolkit.cli.progress.time.monotonic", lambda: now)
    with progress() as (tell, _):
        tell("exporting …")
        stages.at("converting")
        for second in range(1, 12):
            now = float(second)
            stages.at(f"proving {second}")
    stages.at("nobody hears this")
    assert capsys.readouterr().err == "exporting …\n  proving 5 …\n  proving 10 …\n"


def test_progress_moves_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress() as (tell, step):
        tell("one")
        step("a")
    err = capsys.readouterr().err
    assert "one a" in err
    assert "\x1b[2K" in err  # the line is wiped at the end
