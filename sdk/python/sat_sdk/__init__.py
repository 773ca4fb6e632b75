"""Plugins for Salut à Toi in Python. See `doc/plugin-guide-python.md`."""

from __future__ import annotations

from typing import Any

from .errors import SatError, StanzaError
from .hooks import (
    Verdict,
    amend_filter,
    compose_filter,
    decrypt_filter,
    feature,
    iq_handler,
    lifecycle,
    message_handler,
    on_event,
    outbox_handler,
    presence_filter,
    presence_handler,
    seal_filter,
    timer_handler,
    unwrap_filter,
)

__version__ = "0.1.0"

#: Types of `sat:host/types`, found when they are asked for.
_TYPES = ("Header", "Json", "PeerKind", "StanzaId", "Via")

__all__ = [
    "Header", "Json", "PeerKind", "SatError", "StanzaError", "StanzaId", "Verdict", "Via",
    "amend_filter", "compose_filter", "decrypt_filter", "feature", "iq_handler", "lifecycle",
    "message_handler", "on_event", "outbox_handler", "presence_filter", "presence_handler",
    "seal_filter", "timer_handler", "unwrap_filter",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _TYPES:
        from .bindings.sat.host import types

        return getattr(types, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
