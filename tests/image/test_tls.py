"""The profiles of production.yml, met through nginx: TLS, true addresses."""

import re
import socket
import ssl

import httpx
import pytest

from tests.image.deployment import Deployment
from tests.image.test_production import SAMPLES, main_job
from tests.stack import wait_for

pytestmark = [pytest.mark.image, pytest.mark.timeout(300)]


@pytest.mark.parametrize(
    ("version", "accepted"),
    [
        (ssl.TLSVersion.TLSv1_1, False),
        (ssl.TLSVersion.TLSv1_2, True),
        (ssl.TLSVersion.TLSv1_3, True),
    ],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_versions_of_tls(deployment: Deployment, version: ssl.TLSVersion, accepted: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(deployment.folder / "secrets/certificates/fullchain.pem")
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # so that it is the server that refuses
    context.minimum_version = context.maximum_version = version
    with socket.create_connection(("localhost", deployment.https_port)) as plain:
        if not accepted:
            with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
                context.wrap_socket(plain, server_hostname="localhost")
            return
        with context.wrap_socket(plain, server_hostname="localhost") as secure:
            assert secure.version() == version.name.replace("_", ".")


def test_plain_http_is_sent_to_https(deployment: Deployment) -> None:
    answer = httpx.get(f"http://localhost:{deployment.settings['HTTP_PORT']}/login?next=/x")
    assert answer.status_code == 301
    assert answer.headers["Location"] == f"https://localhost:{deployment.https_port}/login?next=/x"


def test_a_release_brings_its_own_configuration(deployment: Deployment) -> None:
    """The mount of one file goes on showing the file that was there, so nginx is made anew."""
    conf = deployment.folder / "docker/production/nginx/nginx.conf"
    new = conf.with_name("new")
    new.write_text(conf.read_text().replace('"ok\\n"', '"new\\n"'))
    new.chmod(0o644)
    new.replace(conf)  # as git and most programs that copy do
    deployment.guide("gateway")
    asked = f"http://localhost:{deployment.settings['HTTP_PORT']}/health/gateway"
    assert httpx.get(asked).text == "new\n"


def test_main_job_and_headers(deployment: Deployment) -> None:
    with deployment.signed_in(deployment.https()) as api:
        page = api.get(f"https://localhost:{deployment.https_port}/")
        assert page.status_code == 200
        assert len(page.headers.get_list("Strict-Transport-Security")) == 1
        assert not re.search(r"\d", page.headers["Server"])
        for kind, sample in SAMPLES:
            main_job(deployment, api, kind, sample)


@pytest.mark.skipif(not SAMPLES, reason="no feature brings a sample")
def test_events_pass_through_as_they_happen(deployment: Deployment) -> None:
    """nginx, which would wait for a full buffer, is told to hold nothing back."""
    kind, sample = SAMPLES[0]
    with (
        deployment.signed_in(deployment.https()) as api,
        api.stream("GET", "events/", timeout=20) as stream,
    ):
        lines = stream.iter_lines()
        assert stream.headers["Content-Type"] == "text/event-stream"
        assert 'data: {"live":true}' in lines
        with deployment.signed_in(deployment.https()) as other:
            made = other.create(kind, sample.read_bytes(), sample.name)
        assert next(line for line in lines if made["id"] in line)


@pytest.mark.skipif(not SAMPLES, reason="no feature brings a sample")
def test_an_upload_passes_through(deployment: Deployment) -> None:
    """nginx has 16 MB to write to: more than that can only have passed through."""
    kind, sample = SAMPLES[0]
    with deployment.signed_in(deployment.https()) as api:
        made = api.create(kind, sample.read_bytes() + bytes(60_000_000), sample.name)
        api.wait(kind, made["id"], seconds=120)


def test_nobody_can_claim_another_address(deployment: Deployment) -> None:
    """Thirty wrong passwords a minute from one address, whatever the headers say."""
    with deployment.https() as api:
        codes = []
        for n in range(32):
            forged = f"203.0.113.{n}"
            headers = {"X-Forwarded-For": forged, "X-Real-IP": forged, "Forwarded": f"for={forged}"}
            account = {"email": f"{n}@example.org", "password": "wrong"}
            codes.append(api.post("auth/login/", json=account, headers=headers).status_code)
    deployment.sql("TRUNCATE cache")
    assert set(codes[:25]) == {400}
    assert codes[-1] == 429


def test_it_may_do_next_to_nothing(deployment: Deployment) -> None:
    deployment.check_confined("nginx", uid="101")


def test_logs_of_nginx_are_json_without_signatures(deployment: Deployment) -> None:
    with deployment.https() as api:
        url = f"https://localhost:{deployment.https_port}/health/live?X-Amz-Signature=secret-of-one"
        assert api.get(url).status_code == 200
    wait_for(lambda: "/health/live 200" in deployment.compose("logs", "nginx"), what="the line")
    assert "secret-of-one" not in deployment.compose("logs", "nginx")
