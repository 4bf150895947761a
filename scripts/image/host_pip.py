"""What pip on this host is told about its package index, as secrets for the build."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# Settings that concern the way to the index. Paths of this host mean nothing inside the build.
PASSED_ON = {"index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "retries"}


def secrets(folder: Path) -> dict[str, Path]:
    """Write what is set into `folder`; return the files by the secrets' names."""
    settings = {}
    # Lines `global.index-url='…'` or `:env:.index-url='…'`; later ones win, as they do in pip.
    for line in _pip("config", "list").splitlines():
        name, _, value = line.partition("=")
        settings[name.rpartition(".")[2]] = value.strip("'\"")
    found = {}
    kept = {k: _reachable(v) for k, v in settings.items() if k in PASSED_ON}
    if any(kept.values()):
        lines = ["[global]", *(f"{k} = {v}" for k, v in sorted(kept.items()) if v)]
        found["pip-config"] = folder / "pip.conf"
        found["pip-config"].write_text("\n".join(lines) + "\n", encoding="utf-8")
    certificates = Path(settings.get("cert", ""))
    if certificates.is_file():
        found["pip-cert"] = folder / "certificates.pem"
        found["pip-cert"].write_bytes(certificates.read_bytes())
    return found


def _reachable(value: str) -> str:
    return " ".join(v for v in value.replace("\\n", " ").split() if not v.startswith("file:"))


def _pip(*arguments: str) -> str:
    command = [sys.executable, "-m", "pip", *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8").stdout
