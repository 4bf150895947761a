"""The Dockerfile, its context and its requirements agree with each other and with pyproject."""

import importlib
import json
import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
IMAGE = ROOT / "scripts/image"
LOCKED = (IMAGE / "requirements.txt").read_text(encoding="utf-8")
SERVICE = (IMAGE / "serve/requirements.txt").read_text(encoding="utf-8")


@pytest.fixture
def scripts(monkeypatch):
    """Import a module of scripts/image by its name."""
    monkeypatch.syspath_prepend(str(IMAGE))

    def load(name):
        monkeypatch.delitem(sys.modules, name, raising=False)
        return importlib.import_module(name)

    return load


def base_dependencies() -> list[Requirement]:
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = re.search(r"^dependencies = \[\n(.*?)^\]", pyproject, re.M | re.S)
    found = [Requirement(text) for text in re.findall(r'^\s*"([^"]+)"', block.group(1), re.M)]
    return [r for r in found if r.name != "click"]


def locked_versions() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w-]+)==([\w.]+)", LOCKED, re.M):
        found.setdefault(name, []).append(version)
    return found


def test_the_lock_holds_the_base_dependencies_without_the_command_lines():
    assert set(locked_versions()) == {r.name for r in base_dependencies()}


def test_every_locked_version_is_one_that_pyproject_allows():
    locked = locked_versions()
    for requirement in base_dependencies():
        for version in locked[requirement.name]:
            assert requirement.specifier.contains(version), f"{requirement} and {version}"


def test_the_lock_of_the_service_holds_its_extra_at_allowed_versions():
    """And what uvicorn needs, but nothing that the runtime's lock has."""
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = re.search(r"^serve = \[\n(.*?)^\]", pyproject, re.M | re.S).group(1)
    extra = [Requirement(text) for text in re.findall(r'^\s*"([^"]+)"', block, re.M)]
    locked = dict(re.findall(r"^([\w-]+)==([\w.]+)", SERVICE, re.M))
    assert {r.name for r in extra} == {"httptools", "uvicorn"}
    assert set(locked) == {"click", "h11", "httptools", "typing-extensions", "uvicorn"}
    assert all(r.specifier.contains(locked[r.name]) for r in extra)


def test_no_target_is_the_runtime_without_a_layer_more():
    stages = re.findall(r"^FROM (\S+) AS (\w+)\n(.*?)(?=^FROM |\Z)", DOCKERFILE, re.M | re.S)
    base, name, lines = stages[-1]
    assert (base, name, lines.strip()) == ("runtime", "plain", "")


def test_every_locked_package_has_hashes_and_no_index():
    for text in (LOCKED, SERVICE):
        for entry in re.split(r"^(?=[\w-]+==)", text, flags=re.M)[1:]:
            assert "--hash=sha256:" in entry, entry
        assert "://" not in text


def test_every_source_of_a_copy_exists_and_enters_the_context():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for arguments in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.M):
        for source in arguments.split():
            if "${BUNDLE}" in source:
                continue
            assert (ROOT / source).exists(), source
            path = source.rstrip("/")
            assert any(f"!{p}" in ignored for p in [path, *map(str, Path(path).parents)]), source


def test_the_context_excludes_everything_first_and_takes_of_a_bundle_only_what_travels():
    lines = [
        x
        for x in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if x and x[0] != "#"
    ]
    assert lines[0] == "*"
    after = lines[lines.index("models/*/*") + 1 :]
    assert sorted(after) == [
        "!models/*/*.onnx",
        "!models/*/*.pack",
        "!models/*/golden.npz",
        "!models/*/manifest.json",
        "!models/*/model.sig",
    ]


def test_both_targets_have_the_same_settings():
    """The small image has no base to share them through, so they stand twice."""

    def settings(stage: str) -> dict[str, str]:
        text = re.search(rf"^FROM \S+ AS {stage}\n(.*?)(?=^FROM |\Z)", DOCKERFILE, re.M | re.S)
        lines = text.group(1)
        found = dict(re.findall(r"^(?:ENV)?\s+([A-Z_]+)=(\S+)", lines, re.M))
        for name in ("USER", "HEALTHCHECK", "ENTRYPOINT", "CMD"):
            found[name] = re.search(rf"^{name} (.+?)(?<!\\)$", lines, re.M | re.S).group(1)
        return found

    small, runtime = settings("small"), settings("runtime")
    small.pop("PATH")  # inherited from the base in the other
    assert small == runtime


def test_the_base_image_is_pinned_by_digest_and_the_same_for_the_comparison():
    pins = [
        re.search(r"^FROM (python:\S+) AS python$", path.read_text(encoding="utf-8"), re.M).group(1)
        for path in (ROOT / "Dockerfile", IMAGE / "comparison/Dockerfile")
    ]
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+@sha256:[0-9a-f]{64}", pins[0])
    assert pins[0] == pins[1]


def test_the_table_of_sizes_is_the_one_that_the_figures_give(scripts):
    report = json.loads((ROOT / "scripts/results/image-sizes.json").read_text(encoding="utf-8"))
    assert scripts("compare").render(report) == (ROOT / "docs/image-sizes.md").read_text(
        encoding="utf-8"
    )


def test_every_check_has_a_statement(scripts):
    for module in ("checks", "serve_checks"):
        checks = scripts(module).CHECKS
        assert len({check.__doc__ for check in checks}) == len(checks)
        assert all(check.__doc__ for check in checks)


def test_a_failed_requirement_says_what_was_found(scripts):
    subject = scripts("subject")
    subject.require(True, "nothing")
    with pytest.raises(subject.Failed, match="81 MB"):
        subject.require(False, "81 MB")


def test_index_settings_are_passed_on_without_host_paths(scripts, tmp_path, monkeypatch):
    host_pip = scripts("host_pip")
    certificates = tmp_path / "ca.crt"
    certificates.write_text("certificates", encoding="utf-8")
    listing = (
        f":env:.cert='{certificates}'\n"
        "global.find-links='/wheels'\n"
        "global.extra-index-url='file:///here https://mirror.example/simple'\n"
        "global.index-url='https://index.example/simple'\n"
    )
    monkeypatch.setattr(host_pip, "_pip", lambda *_: listing)
    found = host_pip.secrets(tmp_path)
    assert found["pip-config"].read_text(encoding="utf-8") == (
        "[global]\n"
        "extra-index-url = https://mirror.example/simple\n"
        "index-url = https://index.example/simple\n"
    )
    assert found["pip-cert"].read_text(encoding="utf-8") == "certificates"


def test_nothing_is_passed_on_where_nothing_is_set(scripts, tmp_path, monkeypatch):
    host_pip = scripts("host_pip")
    monkeypatch.setattr(host_pip, "_pip", lambda *_: "global.find-links='/wheels'\n")
    assert host_pip.secrets(tmp_path) == {}
