"""Who calls, as far as its connection and our proxies tell."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


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
    return address[:64]


def client_address(request: HttpRequest) -> str:
    """Return the IP address to count by; of IPv6 the /64, which is what one customer has."""
    address = client_ip(request)
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 6:
        return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)
    return str(parsed)
