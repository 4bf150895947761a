"""What must hold of the service's image, besides what holds of the runtime's."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Sequence

import checks
from subject import Subject, require, travelling_copy

PACKAGES = {"click", "h11", "httptools", "uvicorn"}
OLDER = {"typing_extensions"}  # uvicorn's on Python 3.10
SIZE_LIMIT = 6 * checks.MB  # of these packages, compiled
MEMORY_LIMIT_MB = 96
START_SECONDS = 20

# Asks the service for the golden rows, and compares its answers with the library's, bit by bit.
ASK = """
import json, sys, urllib.request
from urllib.parse import quote
from toolkit.runtime import golden, load, manifest
found = manifest.read_manifest("/model")
rows = golden.read(open("/model/" + golden.NAME, "rb").read(), golden.NAME, found)
types = {"bool": "BOOL", "int64": "INT64", "float32": "FP32", "float64": "FP64"}
def tensor(name, array):
    array = array.reshape(len(array), -1)
    kind = types.get(array.dtype.name, "BYTES")
    data = [None if v != v else v for v in array.ravel().tolist()]
    return {"name": name, "shape": list(array.shape), "datatype": kind, "data": data}
model = load("/model")
body = json.dumps({"inputs": [tensor(n, a) for n, a in rows.inputs.items()]}).encode()
url = "http://127.0.0.1:8080/v2/models/" + quote(found["name"], safe="") + "/infer"
request = urllib.request.Request(url, body, {"content-type": "application/json"})
answer = json.load(urllib.request.urlopen(request, timeout=30))
expected = model.run(rows.inputs)
for output in answer["outputs"]:
    own = [None if v != v else v for v in expected[output["name"]].ravel().tolist()]
    assert output["data"] == own, output["name"]
page = urllib.request.urlopen("http://127.0.0.1:8080/", timeout=30).read().decode()
assert "<h1>Models</h1>" in page
print(len(rows.adversarial), "golden rows,", len(page), "letters of the page")
"""
PEAK = "print(next(x.split()[1] for x in open('/proc/1/status') if x.startswith('VmHWM')))"


class Serving:
    """A container that serves until the block ends."""

    def __init__(self, s: Subject, name: str, options: Sequence[str] = ()) -> None:
        self.engine, self.name = s.engine, f"toolkit-check-{s.target}-{name}"
        command = s.engine.command(s.image, options=[f"--name={self.name}", *options])
        self.log = s.scratch / f"{name}.log"
        with self.log.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def __enter__(self) -> Serving:
        end = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < end:
            try:
                self.python("-m", "toolkit.serve.ready")
                return self
            except RuntimeError:
                time.sleep(0.2)
        raise RuntimeError(f"does not serve: {self.log.read_text(encoding='utf-8').strip()}")

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.engine.call("kill", "--signal=KILL", self.name)
        self.process.wait(timeout=30)

    def python(self, *arguments: str) -> str:
        """Run the container's Python beside the service, and return what it prints."""
        return self.engine.call("exec", self.name, "python3", *arguments)


def configuration(s: Subject) -> str:
    """Is configured to serve: the service's command, its port and its health check."""
    config = s.config["Config"]
    user, _, group = config["User"].partition(":")
    require(user.isdigit() and user != "0" and group.isdigit(), f"user {config['User']!r}")
    require(config["Entrypoint"] == ["python3", "-m", "toolkit.serve"], config["Entrypoint"])
    require(config["Cmd"] == ["--host", "0.0.0.0"], config["Cmd"])
    require("8080/tcp" in config["ExposedPorts"], config["ExposedPorts"])
    health = config.get("Healthcheck") or s.config.get("Healthcheck") or {}
    require(health.get("Test", [""])[-1] == "toolkit.serve.ready", f"health check {health}")
    title = config["Labels"]["org.opencontainers.image.title"]
    require(title == "toolkit service", title)
    return f"user {config['User']}, port 8080"


def packages(s: Subject) -> str:
    """Adds uvicorn and its parser to the runtime's packages, with licences, and at most 6 MB."""
    files = [n for n in s.content.files if n.startswith("opt/service/")]
    metadata = {n.split("/")[2] for n in files if n.endswith(".dist-info/METADATA")}
    names = {m.split("-")[0] for m in metadata}
    require(PACKAGES <= names <= PACKAGES | OLDER, f"found {sorted(names)}")
    unlicensed = [m for m in metadata if not any(f"{m}/licenses/" in n for n in files)]
    require(not unlicensed, f"no licence of {unlicensed}")
    size = s.content.below("opt/service")
    require(size <= SIZE_LIMIT, f"{size / checks.MB:.1f} MB")
    return f"{', '.join(sorted(metadata))}; {size / checks.MB:.1f} MB"


def compiled(s: Subject) -> str:
    """Has the bytecode of every module of the service beside it."""
    sources = [
        n for n in s.content.files
        if n.endswith(".py") and n.startswith(("opt/service/", "opt/app/toolkit/serve/"))
    ]  # fmt: skip
    cached = {n.rsplit(".", 2)[0] for n in s.content.files if n.endswith(".pyc")}
    missing = [n for n in sources if checks.cached_name(n) not in cached]
    require(sources and not missing, f"not compiled: {missing[:5]}")
    return f"{len(sources)} modules"


def inside(s: Subject) -> str:
    """Serves unprivileged: its user, no capability, nothing writable or superfluous."""
    seen = s.probe()
    require(f"{seen['uid']}:{seen['gid']}" == s.config["Config"]["User"], seen)
    require(not any(int(mask, 16) for mask in seen["capabilities"]), seen["capabilities"])
    require(seen["writable"] == ["/tmp"], f"can write to {seen['writable']}")
    require(set(seen["present"]) <= {"click"}, f"can import {seen['present']}")
    return f"uid {seen['uid']}, Python {seen['python']}"


def answers(s: Subject) -> str:
    """Answers the golden rows as the library does, bit by bit, and shows its page."""
    with Serving(s, "answers") as serving:
        return serving.python("-c", ASK)


def memory(s: Subject) -> str:
    """Serves within 96 MB of memory."""
    with Serving(s, "memory", ["--user=54321:54321"]) as serving:
        serving.python("-c", ASK)
        peak = int(serving.python("-c", PEAK)) * 1024 / checks.MB
    require(peak <= MEMORY_LIMIT_MB, f"{peak:.0f} MB")
    return f"peak {peak:.0f} MB, as uid 54321"


def mounted_bundle(s: Subject) -> str:
    """Serves another bundle that is mounted over the one baked in, and no damaged one."""
    other = travelling_copy(s, "served")
    path = other / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["name"] = "mounted here"
    path.write_text(json.dumps(manifest), encoding="utf-8")
    mount = f"--volume={other}:/model:ro"
    with Serving(s, "mounted", [mount, f"--env={checks.REQUIRED}="]) as serving:
        serving.python("-c", ASK)
    model = other / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1])
    result = s.engine.run(s.image, options=[mount])
    require(result.returncode == 2 and "SHA-256" in result.stderr, result.stderr)
    return "mounted at /model"


def bad_input(s: Subject) -> str:
    """Ends with code 2 and one line where it cannot serve."""
    for arguments in (["--max-rows", "0"], ["/etc/passwd"], ["--port", "70000"]):
        result = s.engine.run(s.image, *arguments)
        found = f"{arguments}: code {result.returncode}, {result.stdout!r}, {result.stderr!r}"
        require(result.returncode == 2 and not result.stdout, found)
        require("error" in result.stderr and "Traceback" not in result.stderr, found)
    return "3 kinds"


def stops(s: Subject) -> str:
    """Stops at once at SIGTERM, as process 1."""
    with Serving(s, "stops") as serving:
        begin = time.monotonic()
        s.engine.call("kill", "--signal=TERM", serving.name)
        code = serving.process.wait(timeout=30)
        seconds = time.monotonic() - begin
    require(code == 143 and seconds < checks.STOP_SECONDS, f"code {code} after {seconds:.1f} s")
    return f"code 143 after {seconds:.2f} s"


def healthy(s: Subject) -> str:
    """Is healthy once it serves, and not where it serves elsewhere."""
    with Serving(s, "healthy") as serving:
        good = s.engine.health(serving.name)
        try:
            serving.python("-c", "import toolkit.serve.ready as r, sys; sys.exit(r.main('8081'))")
            bad = "healthy"
        except RuntimeError:
            bad = "unhealthy"
    require((good, bad) == ("healthy", "unhealthy"), f"{good} and, elsewhere, {bad}")
    return good


CHECKS: tuple[Callable[[Subject], str], ...] = (
    configuration,
    checks.third_party_size,
    packages,
    checks.own_files,
    compiled,
    inside,
    checks.home_stays_empty,
    answers,
    memory,
    mounted_bundle,
    bad_input,
    stops,
    healthy,
)
