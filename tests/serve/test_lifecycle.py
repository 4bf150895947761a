"""How a service starts, where it does not, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.conftest import disprove
from tests.serve.conftest import refused, running, tensor
from tests.serve.test_limits import count_to, turns_for
from tests.test_layers import ABSENT_ON_THE_DEVICE

ZEROS = tensor("X", np.zeros((1, 8)), "FP32")


def test_a_signal_lets_requests_under_way_end(counting):
    with running(counting) as server:
        far = int(min(turns_for(server, 2.5), 1.5e7))
        with ThreadPoolExecutor(1) as threads:
            under_way = threads.submit(server.infer, "counting", count_to(far))
            time.sleep(0.7)
            server.process.terminate()
            answer = under_way.result()
        assert answer.status == 200
        assert answer.json["outputs"][0]["data"] == [float(far)]
        assert server.process.wait(30) == 143
        with pytest.raises(ConnectionRefusedError):
            server.connect()
        assert server.process.stderr.read().endswith("stopped; nothing was half-written\n")


def test_what_does_not_end_in_time_is_given_up(counting):
    with running(counting) as server:
        with ThreadPoolExecutor(1) as threads:
            far = int(turns_for(server, 30))
            under_way = threads.submit(server.infer, "counting", count_to(far))
            time.sleep(0.7)
            begin = time.monotonic()
            server.process.terminate()
            assert server.process.wait(60) == 143
            seconds = time.monotonic() - begin
        assert under_way.result().status == 503
        assert "this service ends" in under_way.result().error
        assert 7 < seconds < 14
        last = server.process.stderr.read().splitlines()[-1]
        assert last == "stopped; 1 requests took longer than 8 s and were given up"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal to send there")
def test_ctrl_c_ends_it(california_bundle):
    with running(california_bundle) as server:
        kept = server.connect()  # an idle connection delays nothing
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(10) == 130
        kept.close()


def test_it_says_what_it_serves_and_where(california_bundle):
    pack = california_bundle / "model.uint8-pack.pack"
    with running(california_bundle, pack) as server:
        assert server.models == [
            {"name": "california-linear", "version": "float32", "file": "model.onnx"},
            {"name": "california-linear", "version": "uint8-pack", "file": pack.name},
        ]
        server.stop()
        lines = server.process.stderr.read().splitlines()
    assert lines[0].startswith(
        "california-linear version float32 (model.onnx): golden rows replayed: 64 rows, deviation"
    )
    assert lines[2] == f"serving at http://127.0.0.1:{server.port}; Ctrl-C ends it"


def test_each_request_is_a_line_where_that_is_asked(california_bundle):
    with running(california_bundle, "-v") as server:
        server.get("/v2/health/live")
        server.stop()
        assert '"GET /v2/health/live HTTP/1.1" 200' in server.process.stderr.read()


def test_the_images_command_line_needs_no_extras_of_ours(california_bundle):
    """python -m toolkit.serve runs where there is nothing but numpy, onnxruntime and uvicorn."""
    absent = [name for name in ABSENT_ON_THE_DEVICE if name != "click"]  # uvicorn's own
    absent += ["starlette", "anyio"]
    code = (
        "import runpy, sys\n"
        f"absent = {absent!r}\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if any(name == a or name.startswith(a + '.') for a in absent):\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "runpy.run_module('toolkit.serve', run_name='__main__', alter_sys=True)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, california_bundle, "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    line = process.stdout.readline()
    process.terminate()
    errors = process.communicate(timeout=30)[1]
    assert line, errors
    assert process.returncode == 143


def test_the_environment_names_bundle_port_and_key(california_bundle, keys):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    environment = {"TOOLKIT_BUNDLE": str(california_bundle), "TOOLKIT_PORT": port}
    ready = [sys.executable, "-m", "toolkit.serve.ready"]
    there = {**os.environ, **environment}
    done = subprocess.run(ready, capture_output=True, encoding="utf-8", env=there)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: port {port} does not answer (")
    process = subprocess.Popen(
        [sys.executable, "-m", "toolkit.serve", "--json"], env=there,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8",
    )  # fmt: skip
    try:
        assert json.loads(process.stdout.readline())["url"].endswith(f":{port}")
        done = subprocess.run(ready, capture_output=True, encoding="utf-8", env=there)
        assert (done.returncode, done.stderr) == (0, "")
    finally:
        process.terminate()
        process.communicate(timeout=30)
    signed = {**environment, "TOOLKIT_REQUIRE_SIGNATURE": str(keys / "k.pub")}
    code, line = refused(module="toolkit.serve", environment=signed)
    assert code == 2
    assert "is required" in line


def test_an_unproved_model_is_served_only_where_that_is_asked(unproved):
    code, line = refused(unproved)
    assert code == 1
    assert "its proof failed" in line
    with running(unproved, "--unproved") as server:
        assert server.infer("california-linear", ZEROS).status == 200
        assert "FAILED" in server.get("/").body.decode()


def test_a_model_that_computes_something_else_is_not_served(california):
    """Its golden rows say so, before anybody asks it."""
    path = california / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["files"]["model.onnx"]["tolerance"]["relative"] = 1e-12
    path.write_text(json.dumps(manifest), encoding="utf-8")
    code, line = refused(california)
    assert code == 1
    assert "model.onnx does not reproduce the golden rows" in line
    disprove(california)
    with running(california, "--unproved") as server:
        assert server.infer("california-linear", ZEROS).status == 200


def test_a_signature_is_required_of_each_model(california, keys):
    from toolkit.bundle.signing import sign

    code, line = refused(california, "--require-signature", keys / "k.pub")
    assert code == 2
    assert "is required" in line
    sign(california, keys / "k.pem", False)
    with running(california, "--require-signature", keys / "k.pub") as server:
        assert server.get("/v2/models/california-linear/ready").status == 200
    assert refused(california, "--require-signature", keys / "other.pub")[0] == 2


def test_a_copy_without_golden_rows_is_served_and_says_so(california):
    (california / "golden.npz").unlink()
    with running(california) as server:
        assert server.infer("california-linear", ZEROS).status == 200
        server.stop()
        assert "no golden rows here" in server.process.stderr.read()


def test_a_link_to_a_bundles_file_is_that_file(california_bundle, tmp_path):
    link = tmp_path / "linked.pack"
    link.symlink_to(california_bundle / "model.uint8-pack.pack")
    with running(link) as server:
        assert server.models == [
            {
                "name": "california-linear",
                "version": "uint8-pack",
                "file": "model.uint8-pack.pack",
            }
        ]


WRONG = {
    "no such file": (["/nowhere.onnx"], "no such file"),
    "twice": (["DIR", "DIR"], "another file is version float32 of california-linear already"),
    "a size": (["DIR", "--max-body", "much"], "--max-body 'much': is no size up to 2G"),
    "a huge size": (["DIR", "--max-body", "5T"], "is no size up to 2G"),
    "rows": (["DIR", "--max-rows", "0"], "--max-rows 0: is no number of them; give 1 or more"),
    "requests": (["DIR", "--max-requests", "-1"], "--max-requests -1: is no number"),
    "a time": (["DIR", "--timeout", "nan"], "--timeout nan: is no number of seconds"),
    "threads": (["DIR", "--threads", "-1"], "threads=-1 is no number of threads"),
    "a port": (["DIR", "--port", "70000"], "--port 70000: is no port"),
    "a host": (["DIR", "--host", "not a host"], "--host not a host --port 8080: cannot be"),
}


@pytest.mark.parametrize("module", ["toolkit", "toolkit.serve"])
@pytest.mark.parametrize("case", WRONG)
def test_wrong_options_are_one_line(california_bundle, case, module):
    arguments, words = WRONG[case]
    given = [california_bundle if a == "DIR" else a for a in arguments]
    code, line = refused(*given, module=module)
    assert code == 2
    assert line.startswith("error: ")
    assert words in line


def test_a_port_that_is_taken_is_named(california_bundle):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, line = refused(california_bundle, "--port", port)
    assert code == 2
    assert f"--port {port}: cannot be listened on" in line


def test_without_the_extra_a_line_says_how_to_have_it(california_bundle, tmp_path):
    (tmp_path / "uvicorn.py").write_text(
        "raise ModuleNotFoundError('no', name='uvicorn')", encoding="utf-8"
    )
    paths = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    code, line = refused(california_bundle, environment={"PYTHONPATH": paths})
    assert (code, line) == (
        2,
        "error: this needs uvicorn, which is not installed; pip install 'proven-onnx[serve]'",
    )
