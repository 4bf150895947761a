"""What must hold of an image, looked at from outside and from inside: one function, one statement.

A check's docstring is the statement that is printed, up to a colon. It returns a detail to print,
or raises Failed with what was found instead.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from engine import Engine
from memory import memory
from subject import TRAVELS, Failed, Subject, Waiting, require, travelling_copy

MB = 1e6

SITE_LIMIT = 80 * MB  # onnxruntime and numpy, trimmed and compiled
SMALL_LIMIT, SMALL_COMPRESSED_LIMIT = 135 * MB, 48 * MB
REQUIRED = "TOOLKIT_REQUIRE_SIGNATURE"  # the public key's file, in the environment
STOP_SECONDS = 5  # an engine waits ten before it kills; code 143 says that it need not

# What the image holds of the package, and of others.
OWN = (
    "toolkit/__init__.py",
    "toolkit/errors.py",
    "toolkit/metrics.py",
    "toolkit/precision.py",
    "toolkit/runtime/",
    "public-key.pem",
)
PACKAGES = ("numpy", "onnxruntime")


def configuration(s: Subject) -> str:
    """Is configured: numeric user, exec form, health check, labels, telemetry off."""
    config = s.config["Config"]
    user, _, group = config["User"].partition(":")
    require(user.isdigit() and user != "0" and group.isdigit(), f"user {config['User']!r}")
    require(config["Entrypoint"] == ["python3", "-m", "toolkit.runtime"], config["Entrypoint"])
    require(config["Cmd"] == ["replay"], config["Cmd"])
    health = config.get("Healthcheck") or s.config.get("Healthcheck") or {}
    require(health.get("Test", [""])[0] == "CMD", f"health check {health}")
    labels = config["Labels"]
    for name in ("title", "description", "licenses", "version", "revision", "source"):
        require(labels.get(f"org.opencontainers.image.{name}"), f"no label {name}: {labels}")
    require("ORT_DISABLE_TELEMETRY=1" in config["Env"], config["Env"])
    return f"user {config['User']}, version {labels['org.opencontainers.image.version']}"


def third_party_size(s: Subject) -> str:
    """Has at most 80 MB of third parties."""
    size = s.content.below("opt/site")
    require(0 < size <= SITE_LIMIT, f"{size / MB:.1f} MB")
    return f"{size / MB:.1f} MB"


def whole_size(s: Subject) -> str:
    """Is as small as promised: the small target at most 135 MB, 48 MB compressed."""
    size, compressed = s.content.size, s.content.compressed
    found = f"{size / MB:.1f} MB, {compressed / MB:.1f} MB compressed"
    if s.target == "small":
        require(size <= SMALL_LIMIT and compressed <= SMALL_COMPRESSED_LIMIT, found)
    return found


def packages(s: Subject) -> str:
    """Holds onnxruntime and numpy with their licences, and no other package."""
    top = {name.split("/")[2] for name in s.content.files if name.startswith("opt/site/")}
    names = {t.split("-")[0].split(".")[0] for t in top}
    require(names == set(PACKAGES), f"found {sorted(top)}")
    metadata = [n for n in s.content.files if n.endswith(".dist-info/METADATA")]
    elsewhere = [n for n in metadata if not n.startswith("opt/site/")]
    require(not elsewhere, f"found {elsewhere}")
    for package in PACKAGES:
        licences = [n for n in s.content.files if f"opt/site/{package}" in n and "LICENSE" in n]
        require(licences, f"no licence of {package}")
    return ", ".join(sorted(t for t in top if t.endswith(".dist-info")))


def own_files(s: Subject) -> str:
    """Holds the package's runtime alone, and of the bundle what travels."""
    own = [n[len("opt/app/") :] for n in s.content.files if n.startswith("opt/app/")]
    known = (*OWN, "toolkit/serve/") if s.target == "serve" else OWN
    strange = [n for n in own if "__pycache__" not in n and not n.startswith(known)]
    strange += [n for n in s.content.files if n.startswith("model/") and not n.endswith(TRAVELS)]
    require(own and not strange, f"found {strange}")
    models = [n for n in s.content.files if n.startswith("model/")]
    home = ("estimator.skops", "calibration.npz", "evaluation.npz", "report.json")
    strange = [n for n in s.content.files if n.endswith(home)]
    require(models and not strange, f"found {strange}")
    return f"{len(models)} files of the bundle"


def compiled(s: Subject) -> str:
    """Has the bytecode of every module beside it."""
    files = s.content.files
    sources = [n for n in files if n.endswith(".py") and n.startswith(("opt/app/", "opt/site/"))]
    cached = {n.rsplit(".", 2)[0] for n in files if n.endswith(".pyc")}
    missing = [n for n in sources if cached_name(n) not in cached]
    require(sources and not missing, f"not compiled: {missing[:5]}")
    return f"{len(sources)} modules"


def cached_name(source: str) -> str:
    """Return a module's place among the bytecode, without its suffixes."""
    folder, _, name = source.rpartition("/")
    return f"{folder}/__pycache__/{name[:-3]}"


def inside(s: Subject) -> str:
    """Runs unprivileged: its user, no capability or network, nothing writable or superfluous."""
    seen = s.probe()
    require(f"{seen['uid']}:{seen['gid']}" == s.config["Config"]["User"], seen)
    require(not any(int(mask, 16) for mask in seen["capabilities"]), seen["capabilities"])
    require(seen["interfaces"] in ([], ["lo"]), seen["interfaces"])
    require(seen["writable"] == ["/tmp"], f"can write to {seen['writable']}")
    require(not seen["present"], f"can import {seen['present']}")
    return f"uid {seen['uid']}, Python {seen['python']}, peak {seen['peak_mb']:.0f} MB"


def other_user(s: Subject) -> str:
    """Runs under a user that it does not know."""
    seen = s.probe("--user=54321:54321")
    require(seen["uid"] == 54321, seen["uid"])
    return "uid 54321"


def home_stays_empty(s: Subject) -> str:
    """Leaves no file in a HOME that it may write to, with CI unset: telemetry is off."""
    seen = s.probe()
    require(seen["ci"] is None and seen["home_writable"], seen)
    require(not seen["home_files"], f"left {seen['home_files']}")
    return "empty"


def default_command(s: Subject) -> str:
    """Prints the golden rows' table of every variant where no command is given."""
    out = s.run()
    for name in s.variants:
        require(f": {name}\n" in out, f"nothing about {name}")
    require(out.count("predicted") == len(s.variants), out)
    regression = s.manifest["task"] == "regressor"
    figures = ("r2 ", "mse ") if regression else (" over ",)
    require(all(out.count(figure) == len(s.variants) for figure in figures), out)
    return next(line for line in out.splitlines() if " over " in line)


def verification(s: Subject) -> str:
    """Reproduces the golden rows with every variant."""
    checks = json.loads(s.run("verify", "--json"))["checks"]
    replayed = {c["file"]: c for c in checks if c["kind"] == "golden"}
    require(set(replayed) == set(s.variants), f"replayed {sorted(replayed)}")
    require(all(c["passed"] for c in checks), checks)
    return ", ".join(s.variants)


def prediction(s: Subject) -> str:
    """Predicts the same from standard input and from a mounted file, with every variant."""
    text = s.rows.read_text(encoding="utf-8")
    mount = f"--volume={s.scratch}:/data:ro"
    for name in s.variants:
        piped = s.run("predict", f"/model/{name}", stdin=text)
        mounted = s.run("predict", f"/model/{name}", "--input", "/data/rows.csv", options=(mount,))
        require(piped == mounted, f"{name}: {piped!r} and {mounted!r}")
        require(len(piped.splitlines()) == len(text.splitlines()), piped)
    return f"{len(text.splitlines()) - 1} rows, {len(s.variants)} variants"


def inspection(s: Subject) -> str:
    """Describes every artifact and the bundle."""
    for name in s.variants:
        kind = json.loads(s.run("inspect", f"/model/{name}", "--json"))["kind"]
        require(kind == name.rpartition(".")[2], f"{name}: {kind}")
    kind = json.loads(s.run("inspect", "/model", "--json"))["kind"]
    require(kind == "bundle", kind)
    return s.manifest["name"]


def mounted_bundle(s: Subject) -> str:
    """Takes another bundle that is mounted over the one baked in."""
    other = travelling_copy(s, "other")
    manifest = json.loads((other / "manifest.json").read_text(encoding="utf-8"))
    manifest["name"] = "mounted-here"
    (other / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    unsigned = f"--env={REQUIRED}="
    out = s.run(options=(f"--volume={other}:/model:ro", unsigned))
    require("mounted-here: " in out, out)
    return "mounted at /model"


def signature(s: Subject) -> str:
    """Runs only what its public key has signed, where it was built with one."""
    required = dict(entry.split("=", 1) for entry in s.config["Config"]["Env"]).get(REQUIRED)
    if not required:
        return "no key built in"
    checks = json.loads(s.run("verify", "--json"))["checks"]
    require(checks[0]["kind"] == "signed", checks[0])
    other = travelling_copy(s, "unsigned")
    (other / "model.sig").unlink()
    for command in ("verify", "replay"):
        result = s.engine.run(s.image, command, options=[f"--volume={other}:/model:ro"])
        require(result.returncode == 2 and "is required" in result.stderr, result.stderr)
    return checks[0]["detail"]


def bad_input(s: Subject) -> str:
    """Answers bad input with code 2, one line on standard error, nothing on standard output."""
    tries = {
        "no such file": (["predict", "/model", "--input", "/nowhere.csv"], ""),
        "no rows": (["predict", "/model"], ""),
        "ragged": (["predict", "/model"], "1,2\n1\n"),
        "not text": (["predict", "/model"], "\x00\x01"),
        "no bundle": (["verify", "/opt"], ""),
        "no artifact": (["inspect", "/etc/passwd"], ""),
        "wrong usage": (["predict"], ""),
    }
    for name, (arguments, stdin) in tries.items():
        result = s.engine.run(s.image, *arguments, stdin=stdin)
        found = f"{name}: code {result.returncode}, {result.stdout!r}, {result.stderr!r}"
        require(result.returncode == 2 and not result.stdout, found)
        require("error" in result.stderr and "Traceback" not in result.stderr, found)
    return f"{len(tries)} kinds"


def stops(s: Subject) -> str:
    """Stops at once at SIGTERM, as process 1 that waits for input."""
    with Waiting(s, "stops") as waiting:
        begin = time.monotonic()
        s.engine.call("kill", "--signal=TERM", waiting.name)
        code = waiting.process.wait(timeout=30)
        seconds = time.monotonic() - begin
    require(code == 143 and seconds < STOP_SECONDS, f"code {code} after {seconds:.1f} s")
    return f"code 143 after {seconds:.2f} s"


def healthy(s: Subject) -> str:
    """Is healthy, and unhealthy with one byte of a model flipped."""
    damaged = travelling_copy(s, "damaged")
    model = damaged / s.variants[0]
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    with Waiting(s, "healthy") as waiting:
        good = s.engine.health(waiting.name)
    # It serves a sound copy, so that it runs while the check finds the damage.
    mounts = [f"--volume={damaged}:/model:ro", f"--volume={travelling_copy(s, 'sound')}:/sound:ro"]
    with Waiting(s, "damaged", mounts, "/sound") as waiting:
        bad = s.engine.health(waiting.name)
    require((good, bad) == ("healthy", "unhealthy"), f"{good} and, damaged, {bad}")
    return f"{good}; damaged: {bad}"


CHECKS: tuple[Callable[[Subject], str], ...] = (
    configuration,
    third_party_size,
    whole_size,
    packages,
    own_files,
    compiled,
    inside,
    other_user,
    home_stays_empty,
    default_command,
    verification,
    prediction,
    inspection,
    mounted_bundle,
    signature,
    bad_input,
    stops,
    healthy,
    memory,
)


def run(
    engine: Engine,
    image: str,
    target: str,
    bundle: Path,
    statements: Sequence[Callable[[Subject], str]] = CHECKS,
) -> bool:
    """Print a line for each check; return whether all passed."""
    passed = True
    print(f"\nchecks of {image}")
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch).chmod(0o755)
        subject = Subject(engine, image, target, bundle, Path(scratch))
        for check in statements:
            begin = time.monotonic()
            statement = (check.__doc__ or "").split(":")[0].strip().rstrip(".")
            try:
                line = f"ok     {statement}: {check(subject)}"
            except (Failed, RuntimeError, KeyError, ValueError, subprocess.TimeoutExpired) as error:
                passed = False
                line = f"FAILED {statement}: {error or type(error).__name__}"
            print(f"{line} [{time.monotonic() - begin:.1f} s]", flush=True)
    return passed
