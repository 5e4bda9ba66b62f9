"""The containers beside production.yml may do what they must, and Grafana has a password."""

import re
import subprocess
from pathlib import Path

import pytest

from tests import compose, guide
from tests.stack import ROOT

FILE = "docker/observability/compose.yml"


@pytest.mark.parametrize(
    ("content", "said"), [(None, "No such file"), ("", "is empty"), ("\n", "is empty"), ("x", "")]
)
def test_grafana_does_not_start_without_a_password(
    content: str | None, said: str, tmp_path: Path
) -> None:
    """Its own script takes a file that cannot be read for no password: admin, as in its manual."""
    secret, script = tmp_path / "secret", tmp_path / "run.sh"
    if content is not None:
        secret.write_text(content)
    script.write_text("#!/bin/sh\necho started\n")
    script.chmod(0o755)
    command = compose.read(FILE)["services"]["grafana"].get("entrypoint", ["/run.sh"])
    done = subprocess.run(
        [part.replace("$$", "$").replace("/run.sh", str(script)) for part in command],
        env={"GF_SECURITY_ADMIN_PASSWORD__FILE": str(secret), "LC_ALL": "C"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode == 0) is (said == "")
    assert said in done.stderr
    assert done.stdout == ("" if said else "started\n")


def test_its_secret_is_one_of_those_that_the_guide_makes() -> None:
    """They are readable for the containers' users, which one made under umask 077 is not."""
    pattern = guide.commands("secrets").split("'s|")[1].split("|")[0].replace(r"\(", "(")
    made = re.findall(pattern.replace(r"\)", ")"), (ROOT / FILE).read_text())
    assert made == list(compose.read(FILE)["secrets"])
    assert "> secrets/" not in (ROOT / "docs" / "observability.md").read_text()


def test_alloy_may_write_where_its_image_keeps_another_user() -> None:
    """It is root, for the engine's socket, and /var/lib/alloy is closed to all but user 473."""
    alloy = compose.read(FILE)["services"]["alloy"]
    assert "user" not in alloy
    assert alloy["cap_add"] == ["DAC_OVERRIDE"]
