"""JIDs (RFC 7622), as far as a plugin needs them: the server has the last word."""

from __future__ import annotations

import ipaddress
import unicodedata

from .errors import SatError

_NOT_IN_LOCAL = frozenset("\"&'/:<>@")


def bare(jid: str) -> str:
    """The bare JID of a JID: everything before the first `/`."""
    return jid.split("/", 1)[0]


def resource(jid: str) -> str | None:
    """What stands behind the first `/`, if there is one: in rooms, the nickname."""
    return jid.partition("/")[2] or None


def domain(jid: str) -> str:
    """The domain of a JID."""
    return bare(jid).split("@", 1)[-1]


def normalize(jid: str) -> str:
    """The bare JID of what somebody typed, as servers write it.

    Without resource, in lower case, without the domain's final dot; `jid-malformed` when it
    can't be one. The rest of RFC 7622's normalisation is left to the server.
    """
    text = bare(jid.strip()).lower()
    local, at, name = text.rpartition("@") if "@" in text else ("", "", text)
    name = name.removesuffix(".")
    if (at and not _is_local(local)) or not _is_domain(name):
        raise SatError("jid-malformed", f"“{jid}” is not a JID like name@server.org")
    return f"{local}@{name}" if at else name


def _is_local(part: str) -> bool:
    return _is_part(part) and not _NOT_IN_LOCAL & set(part)


def _is_domain(part: str) -> bool:
    if not _is_part(part):
        return False
    if part.startswith("[") and part.endswith("]"):
        try:
            ipaddress.IPv6Address(part[1:-1])
        except ValueError:
            return False
        return True
    return all(part.split(".")) and all(not c.isascii() or c.isalnum() or c in "-._" for c in part)


def _is_part(part: str) -> bool:
    """What holds for both parts: 1 to 1023 bytes, neither spaces nor control characters."""
    return 1 <= len(part.encode()) <= 1023 and not any(
        c.isspace() or unicodedata.category(c) == "Cc" for c in part
    )
