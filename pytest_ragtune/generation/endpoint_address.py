"""The address and the key of a server: checked, and kept out of sight."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from pytest_ragtune.calls.backoff import Fault
from pytest_ragtune.errors import ModelError

_KEY = re.compile(r"\b(?:sk|pk|rk|key)-[\w*.-]{4,}")

_SHORTEST_SECRET = 4


def redact(message: str, key: str) -> str:
    """``message`` without the key or anything that looks like one."""
    if len(key) >= 4 and key != "none":
        message = message.replace(key, "[key]")
    return _KEY.sub("[key]", message)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is."""

    asked: str = field(repr=False)
    """What requests go to: with user and password, without query."""
    shown: str
    """The same without user and password."""
    query: Mapping[str, str] = field(repr=False)
    """Sent with each request."""
    is_local: bool
    """Whether it is this machine."""

    @property
    def secrets(self) -> list[str]:
        """What no message may hold: user, password and query, longest first."""
        parts = urlsplit(self.asked)
        found = {self.asked, parts.username or "", parts.password or "", *self.query.values()}
        if parts.username is None and parts.password is None:
            found.discard(self.asked)
        return sorted((text for text in found if len(text) >= _SHORTEST_SECRET), key=len, reverse=True)


def read_address(base_url: str) -> Address:
    """The parts of a server's address.

    Raises:
        ModelError: it is no web address.
    """
    text = base_url.strip() if isinstance(base_url, str) else ""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host or not (text.isascii() and text.isprintable()):
        raise ModelError(
            f"base_url is {redact(str(base_url), '')!r}: expected an address such as http://localhost:8000/v1"
        )
    name = f"[{host}]" if ":" in host else host
    place = name if port is None else f"{name}:{port}"
    try:
        is_local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = host == "localhost" or host.endswith(".localhost")
    path = parts.path.rstrip("/")
    return Address(
        asked=urlunsplit((parts.scheme, parts.netloc, path, "", "")),
        shown=f"{parts.scheme}://{place}{path}",
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        is_local=is_local,
    )


def connection_fault(error: Exception, url: str) -> Fault:
    """The fault of a server that could not be reached, or that hung up."""
    cause = error.__cause__ or error.__context__ or error
    said = f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__
    return Fault(
        f"no connection to {url} ({said}): check that the server runs and that base_url is its address",
        again=True,
        everywhere=True,
    )
