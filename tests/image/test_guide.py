"""docs/deploy.md and its like promise that their commands are run. Needs no engine."""

import re
import shutil
import subprocess
from pathlib import Path

from tests import compose, guide
from tests.stack import ROOT


def test_every_block_is_run_or_says_that_it_is_not() -> None:
    text = "".join(page.read_text() for page in guide.PAGES)
    unnamed = guide.blocks().get("", [])
    assert text.count("```sh\n") == sum(map(len, guide.blocks().values()))
    for code in unnamed:
        before = text.split(f"```sh\n{code}")[0].strip().splitlines()[-1].lower()
        assert "not run by a test" in before, code


def test_every_named_block_is_used_by_a_test() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "tests" / "image").rglob("*.py"))
    calls = re.findall(r"\b(?:guide\(|commands\(|UPGRADE = )([^)\n]*)", sources)
    used = {name for call in calls for name in re.findall(r'"([a-z-]+)"', call)}
    assert used == set(guide.blocks()) - {""}


def make_secrets(folder: Path) -> dict[str, str]:
    """Run the block of the guide; return the contents of the files by name."""
    code = guide.commands("secrets")
    subprocess.run(["bash", "-euo", "pipefail", "-c", code], cwd=folder, check=True)
    files = [path for path in (folder / "secrets").iterdir() if path.is_file()]
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in files)
    return {path.name: path.read_text() for path in files}


def test_every_secret_of_production_is_made(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docker", tmp_path / "docker")
    made = make_secrets(tmp_path)
    assert set(compose.read("production.yml")["secrets"]) <= set(made)
    assert len(set(made.values())) == len(made)
    assert all(len(secret) == 64 for secret in made.values())


def test_what_containers_read_is_readable_whatever_the_umask(tmp_path: Path) -> None:
    """nginx and Prometheus are other users than the one who has copied the folder."""
    shutil.copytree(ROOT / "docker", tmp_path / "docker")
    subprocess.run(["chmod", "-R", "go-rwx", "docker"], cwd=tmp_path, check=True)
    make_secrets(tmp_path)
    mounted = {
        source
        for file in sorted((tmp_path / "docker").glob("*/*.yml"))
        for source in re.findall(r"\./(docker/[^:\s\"]+):", file.read_text())
    }
    assert mounted
    for path in mounted:
        for part in [tmp_path / path, *(tmp_path / path).rglob("*")]:
            assert part.stat().st_mode & 0o004, part
        for folder in (tmp_path / path).relative_to(tmp_path).parents:
            assert str(folder) == "." or (tmp_path / folder).stat().st_mode & 0o001, folder


def test_secrets_of_a_module_are_added_to_those_that_are_in_use(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docker", tmp_path / "docker")
    made = make_secrets(tmp_path)
    (tmp_path / "secrets" / "django_secret_key").unlink()
    certificates = tmp_path / "secrets" / "certificates"
    certificates.mkdir(mode=0o755)
    again = make_secrets(tmp_path)
    assert again.pop("django_secret_key") != made.pop("django_secret_key")
    assert again == made
    assert certificates.stat().st_mode & 0o777 == 0o755, "nginx is another user"
