"""What is published of the API is enough for a repository that has nothing else of ours."""

import json
import subprocess
from pathlib import Path

import pytest

from scripts.contract import publish
from scripts.environment import FRONTEND, UsageError
from scripts.node import node_environment
from tests.stack import Api, Stack

CONSUMER = """
import { createApi } from '%(name)s'

const [origin, token] = process.argv.slice(2)
const api = createApi({ origin: origin!, token: token! })
const { data, error, response } = await api.GET('/auth/user/')
if (!data) throw new Error(`${response.status} ${JSON.stringify(error)}`)
const email: string = data.email
console.log(email)
"""
CONFIGURATION = {
    "compilerOptions": {
        "strict": True,
        "module": "nodenext",
        "target": "es2023",
        "noUncheckedIndexedAccess": True,
        "types": ["node"],
        "typeRoots": [str(FRONTEND / "node_modules/@types")],
    }
}


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env=node_environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.matrix
def test_an_empty_project_installs_compiles_and_uses_it(
    tmp_path: Path, stack: Stack, api: Api
) -> None:
    published, project = tmp_path / "published", tmp_path / "project"
    publish.publish(str(published))
    latest = json.loads((published / "latest.json").read_text())
    (package,) = [name for name in latest["files"] if name.endswith(".tgz")]
    name = package.removesuffix(f"-{latest['version']}.tgz")
    project.mkdir()
    (project / "package.json").write_text('{"type": "module", "private": true}')
    (project / "tsconfig.json").write_text(json.dumps(CONFIGURATION))
    source = CONSUMER % {"name": name}
    (project / "use.ts").write_text(source)
    run(project, "npm", "install", "--silent", "--no-audit", str(published / package))
    compiler = str(FRONTEND / "node_modules/.bin/tsc")
    run(project, compiler)
    token = api.headers["Authorization"].removeprefix("Token ")
    assert run(project, "node", "use.js", stack.url, token).strip() == "admin@example.org"

    (project / "use.ts").write_text(source.replace("data.email", "data.no_such_thing"))
    with pytest.raises(AssertionError, match="no_such_thing"):
        run(project, compiler)


def test_a_version_is_never_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def make(folder: Path) -> None:
        (folder / "openapi-1.0.0.json").write_text(document)
        (folder / publish.LATEST).write_text(document)

    monkeypatch.setattr(publish, "make", make)
    document = "{}"
    assert publish.publish(str(tmp_path)) == ["latest.json", "openapi-1.0.0.json"]
    assert publish.publish(str(tmp_path)) == []
    document = "[]"
    with pytest.raises(UsageError, match="Raise the version"):
        publish.publish(str(tmp_path))
    assert (tmp_path / "latest.json").read_text() == "{}"


def test_an_address_that_nothing_takes_is_refused() -> None:
    with pytest.raises(UsageError, match="TO=contract"):
        publish.publish("gopher://somewhere")
