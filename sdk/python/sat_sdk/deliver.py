"""Feeds unwrapped messages into the message pipeline (`sat:host/deliver`)."""

from .bindings.sat.host.deliver import Forwarded, deliver

__all__ = ["Forwarded", "deliver"]
