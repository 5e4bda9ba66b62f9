"""local.yml has a bucket, as many have in production."""

import httpx
import pytest

from backend_django.processing.registry import all_processors
from tests.stack import Api

from .conftest import Local

pytestmark = [pytest.mark.image, pytest.mark.timeout(900)]


def test_files_are_in_the_bucket_and_reached_by_the_pages_address(local: Local, api: Api) -> None:
    for kind in all_processors():
        if kind.sample:
            first = api.get(f"{kind.name}/list/").json()["results"][0]
            result = api.get(f"{kind.name}/results/{first['id']}/").json()
            answer = api.get(str(api.base_url.join(result["download_url"])))
            assert answer.status_code == 302, answer.text
            address = answer.headers["Location"]
            assert address.startswith(f"http://localhost:{local.ports['PORT']}/app-files/")
            assert httpx.get(address).raise_for_status().content
