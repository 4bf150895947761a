from __future__ import annotations

import json

import numpy as np
import pytest

from tests.runtime.graphs import ROWS, linear
from toolkit.errors import CorruptArtifact
from toolkit.runtime import load
from toolkit.runtime.describe import describe
from toolkit.runtime.session import CONFIG, LEVELS, OPTIONS, checked_options, open_session

MODEL = linear().SerializeToString()

# What onnxruntime offers to whoever may set any option: to read, write or load other files.
HOSTILE = {
    "optimized_model_filepath": "stolen.onnx",
    "profile_file_prefix": "profile",
    "enable_profiling": True,
    "register_custom_ops_library": "evil.so",
    "log_severity_level": 0,
    "add_session_config_entry": "x",
}
HOSTILE_CONFIG = {
    "session.optimized_model_filepath": "stolen.onnx",
    "session.optimized_model_external_initializers_file_name": "stolen.bin",
    "session.model_external_initializers_file_folder_path": "/etc",
    "session.enable_profiling": "1",
    "session.collect_node_memory_stats_to_file": "stats",
    "session.load_model_format": "ORT",
    "session.moe_expert_counter_state_file": "state",
    "ep.context_file_path": "context",
    "ep.context_enable": "1",
}


def allowed() -> list[tuple[dict, str]]:
    """Every option with every value that is a list, and those with patterns with one of theirs."""
    found = [({n: v}, n) for n, values in OPTIONS.items() for v in values if v not in range(5, 65)]
    for name, values in CONFIG.items():
        texts = values if isinstance(values, tuple) else ("ConstantFolding;GemmActivationFusion",)
        found += [({"config": {name: v}}, name) for v in texts]
    return found


@pytest.mark.parametrize(("options", "name"), allowed(), ids=lambda v: str(v)[:60])
def test_onnxruntime_takes_every_option_of_the_tables(options, name):
    session = open_session(MODEL, "m", options)
    assert session.run(None, {"X": ROWS})[0].tolist() == [[-2.5, -9.0], [4.25, -8.0]]
    applied = session.get_session_options()
    if "config" in options:
        assert applied.get_session_config_entry(name) == options["config"][name]
    elif name == "graph_optimization_level":
        assert applied.graph_optimization_level.name == LEVELS[options[name]]
    else:
        assert getattr(applied, name) == options[name]


@pytest.mark.parametrize("options", [None, {}, {"config": {}}])
def test_nothing_recorded(options):
    applied = open_session(MODEL, "m", options).get_session_options()
    assert applied.intra_op_num_threads == 1


def test_threads_that_are_asked_for_win():
    applied = open_session(MODEL, "m", {"intra_op_num_threads": 3}, threads=2)
    assert applied.get_session_options().intra_op_num_threads == 2


@pytest.mark.parametrize(
    "options",
    [{n: v} for n, v in HOSTILE.items()] + [{"config": {n: v}} for n, v in HOSTILE_CONFIG.items()],
    ids=[*HOSTILE, *HOSTILE_CONFIG],
)
def test_options_that_reach_beyond_the_model_are_refused(options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = next(iter(options.get("config", options)))
    with pytest.raises(CorruptArtifact, match=f"^m: its manifest sets the session option '{name}"):
        open_session(MODEL, "m", options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "options",
    [
        {"enable_mem_pattern": 0},
        {"enable_mem_pattern": "false"},
        {"enable_mem_pattern": None},
        {"intra_op_num_threads": True},
        {"intra_op_num_threads": 0},
        {"intra_op_num_threads": 10**9},
        {"intra_op_num_threads": 1.0},
        {"graph_optimization_level": ["all"]},
        {"graph_optimization_level": 99},
        {"config": None},
        {"config": ["session.disable_quant_qdq"]},
        {"config": {"session.disable_quant_qdq": 1}},
        {"config": {"session.disable_quant_qdq": "2"}},
        {"config": {"session.disable_quant_qdq": {"1": "1"}}},
        {"config": {"optimization.disable_specified_optimizers": "a/b"}},
        {"config": {"optimization.disable_specified_optimizers": "a" * 2000}},
        {"config": {"session.disable_quant_qdq": "1"}, "x" * 10_000: 1},
    ],
    ids=lambda v: str(v)[:60],
)
def test_values_of_other_kinds_are_refused(options):
    with pytest.raises(CorruptArtifact, match="its manifest sets the session option") as caught:
        checked_options(options, "m")
    assert len(str(caught.value)) < 500


@pytest.fixture
def recording(california):
    """Record session options for model.onnx in the manifest of a copied bundle; its folder."""

    def record(session):
        path = california / "manifest.json"
        manifest = json.loads(path.read_text(encoding="utf-8"))
        manifest["files"]["model.onnx"]["session"] = session
        path.write_text(json.dumps(manifest), encoding="utf-8")
        return california

    return record


def test_load_applies_what_the_manifest_records(recording):
    options = {"graph_optimization_level": "none", "config": {"session.disable_prepacking": "1"}}
    folder = recording(options)
    model = load(folder)
    applied = model.session.get_session_options()
    assert applied.graph_optimization_level.name == "ORT_DISABLE_ALL"
    assert applied.get_session_config_entry("session.disable_prepacking") == "1"
    assert describe(folder / "model.onnx")["session"] == options
    assert np.isfinite(model.predict(np.zeros((1, 8), dtype=np.float32))).all()


def test_load_refuses_a_hostile_manifest(recording, tmp_path):
    folder = recording({"optimized_model_filepath": str(tmp_path / "stolen.onnx")})
    with pytest.raises(CorruptArtifact, match=r"model\.onnx: its manifest.*optimized_model_file"):
        load(folder)
    assert not (tmp_path / "stolen.onnx").exists()


@pytest.mark.parametrize("session", [None, [], "all", 1])
def test_session_options_that_are_no_mapping(recording, session):
    with pytest.raises(CorruptArtifact, match=r"the entry of file 'model\.onnx' is damaged"):
        load(recording(session))
