"""What people can set, as the manifest declares it (`sat:host/settings`)."""

from __future__ import annotations

import json
from typing import Any

from .bindings.sat.host import settings as _host

__all__ = ["get"]


def get(name: str) -> Any:
    """The value now, or the declared default: a bool, an int or a str. None when undeclared."""
    value = _host.get(name)
    return None if value is None else json.loads(value.text)
