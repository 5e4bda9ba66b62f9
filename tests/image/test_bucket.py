"""The bundled bucket, met through nginx, and another one."""

import ssl

import boto3
import httpx
import pytest
from botocore.config import Config

from tests.image.deployment import HOST, PASSWORDS, Deployment
from tests.image.engine import docker, engine

pytestmark = [pytest.mark.image, pytest.mark.timeout(600)]
BUCKET = "app-files"


def test_the_bucket_behind_the_same_name(deployment: Deployment) -> None:
    public = f"https://localhost:{deployment.https_port}"
    trusted = ssl.create_default_context(
        cafile=deployment.folder / "secrets/certificates/fullchain.pem"
    )

    def signed(action: str, secret: str) -> str:
        client = boto3.client(
            "s3", endpoint_url=public, region_name="us-east-1", aws_access_key_id="app",
            aws_secret_access_key=secret,
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
        )  # fmt: skip
        return str(client.generate_presigned_url(action, Params={"Bucket": BUCKET, "Key": "k é"}))

    secret = PASSWORDS["bucket_secret_key"]
    with httpx.Client(verify=trusted, timeout=30) as client:
        content = bytes(20_000_000)
        assert client.put(signed("put_object", secret), content=content).status_code == 200
        assert client.get(signed("get_object", secret)).content == content
        assert client.get(signed("get_object", "wrong")).status_code == 403
        assert client.get(f"{public}/{BUCKET}/k%20%C3%A9").status_code in (400, 403)
        assert client.delete(signed("delete_object", secret)).status_code == 204
    folder = f"/data/bucket/{BUCKET}"
    assert "k é" not in docker("exec", deployment.container("bucket"), "find", folder)


def test_it_has_no_port_and_may_do_next_to_nothing(deployment: Deployment) -> None:
    assert not deployment.inspect("bucket")["HostConfig"]["PortBindings"]
    deployment.check_confined("bucket", uid="10001")


def test_another_bucket_lets_in_our_pages(deployment: Deployment) -> None:
    """In a server that knows such rules, which the bundled one, behind our own name, need not."""
    engine("moto")
    name = f"{deployment.project}-moto"
    docker("run", "--detach", "--name", name, "--network", f"{deployment.project}_outside",
           "motoserver/moto:5.2.5")  # fmt: skip
    usual = deployment.settings["AWS_S3_ENDPOINT_URL"]
    try:
        networks = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        url = f"http://{docker('inspect', '--format', networks, name)}:5000"
        client = boto3.client(
            "s3", endpoint_url=url, region_name="us-east-1",
            aws_access_key_id="app", aws_secret_access_key="any",
            config=Config(retries={"total_max_attempts": 10}),
        )  # fmt: skip
        client.create_bucket(Bucket="app-files")
        deployment.configure(AWS_S3_ENDPOINT_URL=url)
        deployment.guide("cors")
        [rule] = client.get_bucket_cors(Bucket="app-files")["CORSRules"]
        assert rule["AllowedOrigins"] == [f"https://{HOST}"]
        assert {"PUT", "GET"} <= set(rule["AllowedMethods"])
    finally:
        deployment.configure(AWS_S3_ENDPOINT_URL=usual)
        docker("rm", "--force", "--volumes", name)
