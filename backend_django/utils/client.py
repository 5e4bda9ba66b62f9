"""The caller's address, as far as the connection and our proxies tell."""

import ipaddress
import re

from django.conf import settings
from django.http import HttpRequest

WITH_PORT = re.compile(r"(\d+\.\d+\.\d+\.\d+):\d+|\[([0-9a-fA-F:.]+)\](?::\d+)?")


def client_ip(request: HttpRequest) -> str:
    """Return the caller's IP address.

    Only the last TRUSTED_PROXY_COUNT entries of X-Forwarded-For were written by proxies of ours;
    whatever stands before them is what the caller claims.
    """
    count = settings.TRUSTED_PROXY_COUNT
    given = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    address = request.META.get("REMOTE_ADDR", "")
    if count and len(given) >= count and given[-count]:
        address = given[-count]
    if port := WITH_PORT.fullmatch(address):  # as some proxies write it; the port changes
        address = port[1] or port[2]
    return address[:64]


def client_address(request: HttpRequest) -> str:
    """Return the IP address to count by; of IPv6 the /64, which is what one customer has."""
    address = client_ip(request)
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 6:
        if parsed.ipv4_mapped:  # ::ffff:192.0.2.1, of a socket that takes both: not all one /64
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)
    return str(parsed)
