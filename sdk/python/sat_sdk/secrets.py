"""Small values that are encrypted with the profile's key (`sat:host/secrets`)."""

from .bindings.sat.host.secrets import delete, get, set

__all__ = ["delete", "get", "set"]
