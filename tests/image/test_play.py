"""What the chart renders, played by Podman: the pods run, do a job, end in time and begin again.

Podman is Debian 13's, in a privileged container: that of Debian 12 and Ubuntu 24.04 plays no Job.
PODMAN names the command of another, 5.3 or newer: PODMAN=podman, PODMAN="ssh host podman".

Played are ConfigMap, Secret, PersistentVolumeClaim, Deployment and Job, each with its pod. Nothing
here shows what a Service, a route, a budget, a policy or autoscaling do: those are a cluster's.
"""

import json
import os
import re
import secrets
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import pytest
import yaml

from backend_django.processing.registry import all_processors
from tests.image.deployment import PASSWORDS
from tests.image.engine import IMAGE, docker, engine, image, run
from tests.kubernetes.helm import render, values
from tests.stack import ADMIN, ROOT, wait_for

pytestmark = [pytest.mark.image, pytest.mark.timeout(1200)]
INSIDE = f"podman-{secrets.token_hex(3)}"
PODMAN = shlex.split(os.environ.get("PODMAN") or f"docker exec --interactive {INSIDE} podman")
WITH_JOBS = (5, 3)  # the first Podman that plays a Job
DEBIANS = """
FROM python:3.13-slim-trixie
RUN apt-get update && apt-get install --yes --no-install-recommends \\
    podman aardvark-dns catatonit crun nftables
"""
ODD = "$o'd\"d @#$HOME%41 &*/:? {{ word }}+\\ 100% of fifty-one"
SECRETS = dict.fromkeys(values("dev")["secrets"]["values"], ODD) | {
    name.upper(): password for name, password in PASSWORDS.items()
}
PARTS = {"ConfigMap", "Secret", "PersistentVolumeClaim"}
PODS = {"Deployment", "Job"}
CLUSTERS = {"Service", "ServiceAccount", "NetworkPolicy", "PodDisruptionBudget"}  # of this example
# What Podman lets every container write to, also where the root is read-only; the last with the
# first version of control groups.
PODMANS = {"/run", "/var/tmp", "/dev/shm", "/dev/mqueue", "/sys/fs/cgroup"}
# Runs in a pod: the mounted folders in which its user may make a file.
WRITABLE = """
import os
for line in open("/proc/self/mounts"):
    path = line.split()[1]
    if os.path.isdir(path) and os.access(path, os.W_OK | os.X_OK):
        print(path)
"""
ASK = """
import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1], timeout=10).status)
"""


def run_podman(
    *arguments: str, stdin: str = "", check: bool = True
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*PODMAN, *arguments], input=stdin, capture_output=True, text=True, timeout=600
    )
    assert not check or done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return done


def podman(*arguments: str, stdin: str = "") -> str:
    return run_podman(*arguments, stdin=stdin).stdout.strip()


class Played:
    """A release in a network of its own; PostgreSQL and Redis stand beside it, as in production."""

    def __init__(self) -> None:
        self.name = f"play-{secrets.token_hex(3)}"
        servers = {"database": f"{self.name}-postgres", "redis": f"{self.name}-redis"}
        self.objects = render(
            "dev",
            {
                "image": dict(zip(("repository", "tag"), IMAGE.split(":"), strict=True)),
                "dev": {"enabled": False},
                # Requests may wait for a busy machine.
                "settings": {"DATABASE_REQUEST_SECONDS": "30"},
                "hosts": [self.web_host],
                "secrets": {"values": SECRETS},
                **{kind: {"host": host} for kind, host in servers.items()},
            },
            release=self.name,
        )
        self.workloads = {
            one["metadata"]["name"].removeprefix(f"{self.name}-"): one
            for one in self.objects
            if one["kind"] in PODS
        }
        self.roles = [name for name, one in self.workloads.items() if one["kind"] == "Deployment"]

    @cached_property
    def web_host(self) -> str:
        return f"{self.name}-web-pod"

    def container(self, role: str) -> str:
        """Return what Podman calls the one container of a workload's pod."""
        return f"{self.name}-{role}-pod-{role}"

    def start_servers(self) -> None:
        podman("network", "create", self.name)
        podman(
            *("run", "--detach", "--name", f"{self.name}-postgres", "--network", self.name),
            *("--env", "POSTGRES_USER=app"),
            *("--env", f"POSTGRES_PASSWORD={SECRETS['POSTGRES_PASSWORD']}", "postgres:17"),
        )
        podman(
            *("run", "--detach", "--name", f"{self.name}-redis", "--network", self.name),
            *("redis:8", "redis-server", "--requirepass", SECRETS["REDIS_PASSWORD"]),
        )

    def play(self, name: str) -> None:
        parts = [one for one in self.objects if one["kind"] in PARTS]
        text = yaml.safe_dump_all([*parts, self.workloads[name]], allow_unicode=True)
        podman("kube", "play", "--replace", "--network", self.name, "-", stdin=text)

    def spec(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.workloads[name]["spec"]["template"]["spec"]
        return found

    def inspect(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(podman("inspect", self.container(name)))[0]
        return found

    def wait_until_it_works(self, role: str) -> None:
        """Wait for what the chart's startup probe asks; Podman without systemd asks nothing."""
        probe = self.spec(role)["containers"][0]["startupProbe"]["exec"]["command"]

        def probed() -> bool:
            assert self.inspect(role)["State"]["Status"] == "running", self.logs(role)
            asked = run_podman("exec", self.container(role), *probe, check=False)
            return asked.returncode == 0

        wait_for(probed, seconds=300, what=f"{role} works")

    def logs(self, role: str) -> str:
        said = run_podman("logs", "--tail", "20", self.container(role), check=False)
        return said.stdout + said.stderr

    def journey(self) -> str:
        """Make the journey of docs/deploy-kubernetes.md from another pod; return what it says."""
        done = run_podman(
            *("exec", "--interactive", "--env", f"PASSWORD={SECRETS['DJANGO_SUPERUSER_PASSWORD']}"),
            *(self.container("celerybeat"), "python", "-", f"http://{self.web_host}:5000"),
            *(ADMIN["email"], "--seconds", "300"),
            stdin=(ROOT / "deploy" / "journey.py").read_text(),
            check=False,
        )
        assert done.returncode == 0, done.stderr + self.logs("web") + self.logs("celeryworker")
        return done.stdout

    def kill(self, role: str) -> None:
        """End the first process as the kernel does when memory is short."""
        pid = self.inspect(role)["State"]["Pid"]
        podman(
            *("run", "--rm", "--pid", "host", "--user", "0", "--entrypoint", "python", IMAGE),
            *("-c", f"import os; os.kill({pid}, 9)"),
        )

    def remove(self) -> None:
        pods = [f"{self.name}-{name}-pod" for name in self.workloads]
        run_podman("pod", "rm", "--force", "--ignore", "--time", "0", *pods, check=False)
        servers = [f"{self.name}-{name}" for name in ("postgres", "redis")]
        run_podman("rm", "--force", "--volumes", "--time", "0", *servers, check=False)
        run_podman("network", "rm", "--force", self.name, check=False)
        run_podman("volume", "rm", f"{self.name}-files", check=False)
        run_podman("secret", "rm", self.name, f"{self.name}-setup", check=False)


@pytest.fixture(scope="module")
def player() -> Iterator[None]:
    """Make PODMAN a command that plays Jobs."""
    if os.environ.get("PODMAN"):
        if not shutil.which(PODMAN[0]):
            pytest.skip(f"there is no {PODMAN[0]}, which PODMAN names")
        version = re.search(r"(\d+)\.(\d+)", run_podman("--version").stdout)
        if not version or tuple(map(int, version.groups())) < WITH_JOBS:
            pytest.skip(f"Podman {version and version[0]} plays no Job: 5.3 is the first that does")
        yield
        return
    engine()
    run("docker", "build", "--tag", "podman:of-tests", "-", input=DEBIANS)
    docker(
        # Of the host's control groups, Podman may give some of the memory to a pod.
        *("run", "--detach", "--init", "--name", INSIDE, "--privileged", "--cgroupns", "host"),
        # On a disk of its own: layers cannot be laid over a layer.
        *("--volume", "/var/lib/containers", "podman:of-tests", "sleep", "infinity"),
    )
    try:
        yield
    finally:
        docker("rm", "--force", "--volumes", INSIDE)


@pytest.fixture(scope="module")
def played(player: None) -> Iterator[Played]:
    image()
    images = [IMAGE, "postgres:17", "redis:8"]
    for name in images[1:]:
        if not docker("images", "--quiet", name):
            docker("pull", "--quiet", name)
    with subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE) as saved:
        subprocess.run([*PODMAN, "load", "--quiet"], stdin=saved.stdout, check=True)
    release = Played()
    try:
        release.start_servers()
        release.play("setup")
        ended = lambda: release.inspect("setup")["State"]["Status"] == "exited"  # noqa: E731
        wait_for(ended, seconds=300, what="the job has ended")
        assert release.inspect("setup")["State"]["ExitCode"] == 0, release.logs("setup")
        for role in release.roles:
            release.play(role)
        for role in release.roles:
            release.wait_until_it_works(role)
        yield release
    finally:
        release.remove()


def test_what_is_not_played_is_the_clusters(played: Played) -> None:
    assert {one["kind"] for one in played.objects} == PARTS | PODS | CLUSTERS


def test_pods_may_do_what_the_chart_says_and_no_more(played: Played) -> None:
    for role in played.roles:
        spec, found = played.spec(role), played.inspect(role)
        (container,) = spec["containers"]
        said = podman("exec", played.container(role), "cat", "/proc/1/status")
        status = dict(re.findall(r"(?m)^(\w+):\s+(\S+)", said))
        assert status["Uid"] == str(spec["securityContext"]["runAsUser"]) != "0", role
        assert (int(status["CapBnd"], 16), status["NoNewPrivs"]) == (0, "1"), role
        assert status["Seccomp"] == "2", role
        assert found["HostConfig"]["ReadonlyRootfs"] is True, role
        limit = container["resources"]["limits"]["memory"]
        number, unit = int(limit[:-2]), {"Mi": 2**20, "Gi": 2**30}[limit[-2:]]
        assert found["HostConfig"]["Memory"] == number * unit, role
        mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
        writable = podman("exec", played.container(role), "python", "-c", WRITABLE).split()
        assert set(writable) - PODMANS == mounted, role


def test_probes_are_answered(played: Played) -> None:
    for role in played.roles:
        (container,) = played.spec(role)["containers"]
        alive = container["livenessProbe"]["exec"]["command"]
        podman("exec", played.container(role), *alive)
        if asked := container.get("readinessProbe"):
            ports = {port["name"]: port["containerPort"] for port in container["ports"]}
            get = asked["httpGet"]
            # By the pod's address, which no setting names: so does a cluster.
            address = podman("exec", played.container(role), "hostname", "--ip-address")
            url = f"http://{address.split()[0]}:{ports[get['port']]}{get['path']}"
            assert podman("exec", played.container(role), "python", "-c", ASK, url) == "200"


@pytest.mark.skipif(
    not any(processor.sample for processor in all_processors()), reason="no feature has a sample"
)
def test_a_job_is_done_and_again_after_a_kill_and_a_second_start(played: Played) -> None:
    assert "was completed and has its result" in played.journey()

    workers = [role for role in played.roles if role.startswith("celeryworker")]
    for role in workers:  # all, or one that was spared does the job
        began = played.inspect(role)["State"]["StartedAt"]
        played.kill(role)
        wait_for(
            lambda role=role, began=began: played.inspect(role)["State"]["StartedAt"] != began,
            seconds=60,
            what=f"{role} has been started again",
        )
    for role in workers:
        played.wait_until_it_works(role)
    assert "has its result of an earlier run" in played.journey()

    for role in played.roles:
        assert (
            played.inspect(role)["Config"]["StopTimeout"]
            == (played.spec(role)["terminationGracePeriodSeconds"])
        ), role
    podman("stop", *map(played.container, played.roles))
    for role in played.roles:  # 137: it was still there after its time
        assert played.inspect(role)["State"]["ExitCode"] in {0, 128 + 15}, role

    for role in played.roles:
        played.play(role)
    for role in played.roles:
        played.wait_until_it_works(role)
    assert "has its result of an earlier run" in played.journey()
