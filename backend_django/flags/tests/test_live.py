"""A change of a flag reaches a page that is open, in the product as it runs."""

import pytest

from tests.live.reading import reading
from tests.stack import Api, Stack


@pytest.mark.matrix
@pytest.mark.slow
def test_a_change_is_told_and_read(stack: Stack, api: Api) -> None:
    with reading(stack.url, {"Authorization": api.headers["Authorization"]}) as stream:
        assert "told" not in api.get("flags/active/").json()["active"]
        stack.manage("waffle_flag", "told", "--create", "--everyone")
        stream.wait(lambda r: r.named("stream.reset"), seconds=5, what="nothing was told")
        assert "told" in api.get("flags/active/").json()["active"]
