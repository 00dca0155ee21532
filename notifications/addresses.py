"""Which addresses a server with people's numbers may be reached under, or be listening on."""

import ipaddress
from urllib.parse import urlsplit


def checked_base_url(base_url: str) -> str:
    """The address without its closing slash; a ValueError unless it is TLS or on this machine."""
    parts = urlsplit(base_url)
    if parts.hostname and (
        parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
    ):
        return base_url.rstrip("/")
    message = (
        "the base_url of the messaging provider must begin with https://, or with http:// and an address of "
        "this machine such as 127.0.0.1: over plain http numbers and texts could be read on the way"
    )
    raise ValueError(message)


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only be this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
