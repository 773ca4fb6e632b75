"""Durable timers: they outlive the instance, the stream and the backend (`sat:host/timers`).

The function after `@timer_handler` hears of them.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from . import datetime as moments
from .bindings.sat.host import timers as _host
from .bindings.sat.host.timers import Timer, cancel, list, set

__all__ = ["Timer", "cancel", "list", "set", "set_at", "set_in"]


async def set_at(name: str, at: datetime, payload: str = "") -> None:
    """Sets a timer for a moment, which must know its time zone. Replaces one of this name."""
    await _host.set(Timer(name, moments.format(at), payload))


async def set_in(name: str, delay: timedelta, payload: str = "") -> None:
    """Sets a timer for a while from now. Replaces an earlier one of this name."""
    await set_at(name, datetime.now(timezone.utc) + delay, payload)
