"""The address and the key of a server: checked, and kept out of sight."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from pytest_ragtune.calls.backoff import Fault
from pytest_ragtune.errors import ModelError

_KEY = re.compile(r"\b(?:sk|pk|rk|key)-[\w*.-]{4,}")


def redact(message: str, key: str) -> str:
    """``message`` without the key or anything that looks like one."""
    if len(key) >= 4 and key != "none":
        message = message.replace(key, "[key]")
    return _KEY.sub("[key]", message)


def read_address(base_url: str) -> tuple[str, bool]:
    """The address without user, password, query and fragment, and whether it is this machine."""
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise ModelError(
            f"base_url is {redact(base_url, '')!r}: expected an address such as http://localhost:8000/v1"
        )
    name = f"[{host}]" if ":" in host else host
    place = name if port is None else f"{name}:{port}"
    try:
        is_local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = host == "localhost" or host.endswith(".localhost")
    return f"{parts.scheme}://{place}{parts.path.rstrip('/')}", is_local


def connection_fault(error: Exception, url: str) -> Fault:
    """The fault of a server that could not be reached, or that hung up."""
    cause = error.__cause__ or error.__context__ or error
    said = f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__
    return Fault(
        f"no connection to {url} ({said}): check that the server runs and that base_url is its address",
        again=True,
        everywhere=True,
    )
