"""An authenticator app (RFC 6238), written without looking at ours."""

import base64
import hmac
import time

PERIOD = 30


def code_of(secret: str) -> str:
    """The code now. Just before it changes, wait for the next one, which stays valid for long."""
    left = PERIOD - time.time() % PERIOD
    if left < 2:
        time.sleep(left)
    counter = int(time.time()) // PERIOD
    digest = hmac.digest(base64.b32decode(secret), counter.to_bytes(8, "big"), "sha1")
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"
