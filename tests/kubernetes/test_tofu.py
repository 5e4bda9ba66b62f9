"""The files for OpenTofu: names lead to something, roles and scripts are those of elsewhere."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.guide import commands
from tests.kubernetes.test_swarm import ROLES
from tests.stack import ROOT
from tests.test_roles import UNITS, size

TOFU = ROOT / "deploy" / "tofu"
FOLDERS = sorted(path for path in TOFU.iterdir() if path.is_dir())
OURS = json.loads((TOFU / "cloud" / "roles.json").read_text(encoding="utf-8"))
LONGEST = 120  # seconds that Fargate waits for a container to stop
# MB that a container may have with so much of a processor.
SIZES = {256: {512, 1024, 2048}, 512: set(range(1024, 4097, 1024)),
         2048: set(range(4096, 16385, 1024))}  # fmt: skip


def source(folder: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.tf")))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_files_are_as_the_program_writes_them(folder: Path) -> None:
    program = shutil.which("tofu") or shutil.which("terraform")
    if program is None:
        pytest.skip("`tofu fmt` reads them, and there is no tofu")
    done = subprocess.run(
        [program, "fmt", "-check", "-diff", "-no-color", str(folder)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_every_name_leads_to_something_that_is_used(folder: Path) -> None:
    text = source(folder)
    variables = set(re.findall(r'(?m)^variable "(\w+)"', text))
    assert set(re.findall(r"\bvar\.(\w+)", text)) == variables
    for name in variables:
        body = text.split(f'variable "{name}" {{')[1].split("\n}\n")[0]
        assert re.search(r'description = "\S', body), name
    resources = {f"{kind}.{name}" for kind, name in
                 re.findall(r'(?m)^resource "(\w+)" "(\w+)"', text)}  # fmt: skip
    resources |= {f"data.{kind}.{name}" for kind, name in
                  re.findall(r'(?m)^data "(\w+)" "(\w+)"', text)}  # fmt: skip
    prefixes = "|".join(sorted({kind.removeprefix("data.").split("_")[0] for kind in resources}))
    named = set(re.findall(rf"(?<![\w./\"-])((?:data\.)?(?:{prefixes})_\w+\.\w+)", text))
    assert named
    assert named <= resources, named - resources
    for name in re.findall(r"\blocal\.(\w+)", text):
        assert re.search(rf"(?m)^  {name} += ", text), name
    for provider in set(prefixes.split("|")):
        assert re.search(rf"(?m)^    {provider} = \{{\n.*\n +version = \"~> \d", text), provider


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_as_the_table_has_it(role: str) -> None:
    row, ours = ROLES[role], OURS[role]
    for name in ("command", "port", "singleton", "files"):
        assert ours.get(name) == row.get(name), name
    environment = ours.get("environment", {})
    assert environment.get("CELERY_QUEUES", "") == ",".join(row.get("queues", []))
    assert size(row["memory"]) <= ours["memory"] * UNITS["m"] < 1.5 * size(row["memory"])
    assert ours["memory"] in SIZES[ours["cpu"]]
    assert ours["grace"] == min(row["grace"], LONGEST)
    for name in ("WEB_GRACEFUL_SECONDS", "PROCESSING_STOP_GRACE_SECONDS"):
        assert int(environment.get(name, 0)) < ours["grace"]
    assert ours.get("secrets", []) == [name.upper() for name in row.get("secrets", [])]


def test_the_cloud_has_no_other_roles() -> None:
    assert set(OURS) == set(ROLES)


def test_the_machine_does_what_the_guide_says() -> None:
    text = (TOFU / "machine" / "cloud-init.yml.tftpl").read_text(encoding="utf-8")
    (block,) = re.findall(r"templatefile\(.*?\{\n(.*?)\n +\}\)", source(TOFU / "machine"), re.S)
    given = set(re.findall(r"(?m)^ +(\w+) +=", block))
    assert set(re.findall(r"\$\{(\w+)\}", text)) == given
    made = yaml.safe_load(re.sub(r"\$\{(\w+)\}", r"the-\1", text))
    written = {one["path"]: one["content"] for one in made["write_files"]}
    for path in ("/usr/local/sbin/app-start", "/usr/local/sbin/app-backup"):
        done = subprocess.run(
            ["bash", "-n"], input=written[path], capture_output=True, text=True
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert made["runcmd"] == ["/usr/local/sbin/app-start"]

    def lines(code: str) -> list[str]:
        return [line.strip().replace("> ", ">") for line in code.splitlines()]

    assert set(lines(commands("secrets"))) <= set(lines(written["/usr/local/sbin/app-start"]))
    assert commands("up").strip() in lines(written["/usr/local/sbin/app-start"])
    archive = commands("backup").partition("docker")[2].partition(">")[0]
    assert archive in written["/usr/local/sbin/app-backup"]
    example = "".join(path.read_text() for path in ROOT.glob("docker/*/production.env.example"))
    for name in re.findall(r"(?m)^(\w+)=", written["/etc/app/production.env"]):
        assert re.search(rf"(?m)^#?{name}=", example), name
