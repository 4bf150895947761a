"""A container engine: docker where one runs, else buildah and podman without any service."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CACHE = Path("build/image")

# How every container of the checks runs: nothing that a prediction does not need.
HARDENED = (
    "--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges",
    "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024", "--pull=never",
)  # fmt: skip


@dataclass(frozen=True)
class Engine:
    """How to call an engine: `client` runs and inspects, `builder` builds; both are prefixes."""

    name: str
    client: tuple[str, ...]
    builder: tuple[str, ...]
    run_options: tuple[str, ...] = ()
    health_options: tuple[str, ...] = ()

    def build(
        self,
        tag: str,
        dockerfile: str,
        target: str | None = None,
        arguments: dict[str, str] | None = None,
        secrets: dict[str, Path] | None = None,
    ) -> None:
        """Build the checkout's Dockerfile; the engine's output goes to stderr."""
        command = [*self.builder, "--file", dockerfile, "--tag", tag]
        command += ["--target", target] if target else []
        for key, value in (arguments or {}).items():
            command += ["--build-arg", f"{key}={value}"]
        for key, path in (secrets or {}).items():
            command += ["--secret", f"id={key},src={path}"]
        subprocess.run([*command, "."], check=True, stdout=sys.stderr)

    def command(self, image: str, *arguments: str, options: Sequence[str] = ()) -> list[str]:
        """Return the command that runs a hardened container and removes it afterwards."""
        health = () if "--no-healthcheck" in options else self.health_options
        run = [*self.client, "run", "--rm", "--interactive", *HARDENED, *self.run_options, *health]
        return [*run, *options, image, *arguments]

    def run(
        self,
        image: str,
        *arguments: str,
        options: Sequence[str] = (),
        stdin: str = "",
        timeout: float = 120,
    ) -> subprocess.CompletedProcess:
        """Run a container to its end; the result has text `stdout`, `stderr` and `returncode`."""
        command = self.command(image, *arguments, options=["--no-healthcheck", *options])
        # podman's monitor leaves a file `oom` where it stands when it meets a memory limit.
        return subprocess.run(
            command, input=stdin, capture_output=True, encoding="utf-8", timeout=timeout, cwd=CACHE
        )

    def call(self, *arguments: str) -> str:
        """Run another command of the client and return what it prints."""
        result = subprocess.run([*self.client, *arguments], capture_output=True, encoding="utf-8")
        if result.returncode:
            raise RuntimeError(f"{self.name} {' '.join(arguments)}: {result.stderr.strip()}")
        return result.stdout.strip()

    def config(self, image: str) -> dict:
        """Return the image's configuration as the engine inspects it."""
        return json.loads(self.call("inspect", "--type=image", image))[0]

    def wait_running(self, container: str, seconds: float = 20) -> None:
        """Wait until a container that was started has a process."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            result = subprocess.run(
                [*self.client, "inspect", "--format={{.State.Running}}", container],
                capture_output=True, encoding="utf-8",
            )  # fmt: skip
            if result.stdout.strip() == "true":
                return
            time.sleep(0.1)
        raise RuntimeError(f"{container} does not start")

    def health(self, container: str) -> str:
        """Return "healthy" or "unhealthy" after one run of the image's health check."""
        if self.name == "podman":
            command = [*self.client, "healthcheck", "run", container]
            result = subprocess.run(command, capture_output=True, encoding="utf-8")
            if result.returncode not in (0, 1):
                raise RuntimeError(f"{container}: {result.stderr.strip()}")
            return "unhealthy" if result.returncode else "healthy"
        end = time.monotonic() + 60
        while time.monotonic() < end:  # docker runs it by itself, at the interval
            status = self.call("inspect", "--format={{.State.Health.Status}}", container)
            if status != "starting":
                return status
            time.sleep(0.2)
        return "starting"


def find_engine() -> Engine:
    """Return docker where its engine answers, else podman, which root installs where absent."""
    CACHE.mkdir(parents=True, exist_ok=True)
    if shutil.which("docker") and _succeeds("docker", "version", "--format={{.Server.Version}}"):
        builder = ("docker", "buildx", "build", "--load")
        health = ("--health-interval=2s", "--health-start-period=0s")
        return Engine("docker", ("docker",), builder, health_options=health)
    if os.geteuid() != 0:
        sys.exit("error: no docker engine answers; start one, or be root to use buildah and podman")
    missing = [name for name in ("buildah", "podman", "runc") if not shutil.which(name)]
    if missing:
        _install(missing)
    storage = CACHE.resolve() / "storage"
    flags = (f"--root={storage}", f"--runroot={storage}-run", "--storage-driver=overlay")
    # runc also works where cgroups are mounted in both versions, which crun refuses.
    client = ("podman", *flags, "--cgroup-manager=cgroupfs", "--events-backend=file")
    client += ("--runtime=runc",)
    builder = (
        "buildah", *flags, "bud", "--isolation=chroot", "--pull-never", "--format=docker",
        "--layers=false", "--quiet",
    )  # fmt: skip
    # Without systemd podman has no timer for health checks; they are run one by one.
    return Engine(
        "podman", client, builder, ("--read-only-tmpfs=false", "--log-driver=none"),
        ("--health-interval=disable",),
    )  # fmt: skip


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True).returncode == 0


def _install(packages: list[str]) -> None:
    if not shutil.which("apt-get"):
        sys.exit(f"error: {', '.join(packages)} not found; install them, or start a docker engine")
    print(f"installing {', '.join(packages)}", file=sys.stderr)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-qq", "-oDPkg::Lock::Timeout=300"]
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        subprocess.run([*apt, *command], check=True, env=environment, stdout=subprocess.DEVNULL)
