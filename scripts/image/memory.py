"""How much memory a container may take."""

from __future__ import annotations

from subject import Subject, require

MEMORY_LIMIT = "64m"


def memory(s: Subject) -> str:
    """Predicts within 64 MB of memory."""
    limit = (f"--memory={MEMORY_LIMIT}", f"--memory-swap={MEMORY_LIMIT}")
    greedy = ["--entrypoint=python3", *limit]
    result = s.engine.run(s.image, "-c", "print(len(b'x' * 10**8) and 'kept')", options=greedy)
    peak = s.probe()["peak_mb"]
    if "kept" in result.stdout:
        require(peak <= 64, f"peak {peak:.0f} MB")
        return f"peak {peak:.0f} MB (no limit can be enforced on this host)"
    require(result.returncode in (137, 139), f"code {result.returncode}: {result.stderr}")
    s.run("predict", "/model", stdin=s.rows.read_text(encoding="utf-8"), options=limit)
    return f"limit enforced; peak {peak:.0f} MB"
