"""Decorators that say which function the host shall call for what.

The host finds the hooks of a plugin by its type, so a plugin has exactly those hooks whose
decorators it uses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

#: The hooks of `sat:plugin` and their functions.
HOOKS: dict[str, tuple[str, ...]] = {
    "lifecycle": ("connected", "disconnected", "settings-changed", "features-changed", "unload"),
    "iq-handler": ("on-iq",),
    "message-handler": ("on-message",),
    "presence-handler": ("on-presence",),
    "presence-filter": ("on-presence",),
    "unwrap-filter": ("unwrap",),
    "decrypt-filter": ("decrypt",),
    "amend-filter": ("amend",),
    "compose-filter": ("compose",),
    "seal-filter": ("seal",),
    "outbox-handler": ("on-sent", "on-failed"),
    "timer-handler": ("on-timer",),
}


@dataclass
class Registry:
    """What the decorators of a plugin have named."""

    #: Hook and function of WIT → the plugin's function.
    hooks: dict[tuple[str, str], Callable[..., Any]] = field(default_factory=dict)
    #: Interface, if it was named, and Python name of the function.
    features: dict[tuple[str | None, str], Callable[..., Any]] = field(default_factory=dict)
    #: Topic → the plugin's function.
    events: dict[str, Callable[..., Any]] = field(default_factory=dict)

    def names(self) -> list[str]:
        """The hooks that the plugin has, in the order of the contract."""
        return [hook for hook in HOOKS if any(h == hook for h, _ in self.hooks)]


registry = Registry()


def _put(into: dict[Any, Callable[..., Any]], key: Any, function: F, what: str) -> F:
    old = into.get(key)
    place = (function.__module__, function.__qualname__)
    if old is not None and (old.__module__, old.__qualname__) != place:
        raise TypeError(f"{old.__qualname__} and {function.__qualname__} are both for {what}")
    into[key] = function
    return function


def _hook(hook: str, name: str, docs: str) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        return _put(registry.hooks, (hook, name), function, f"{name} of {hook}")

    decorate.__doc__ = docs
    decorate.__name__ = hook.replace("-", "_")
    return decorate


def _simple(hook: str, docs: str) -> Callable[[F], F]:
    return _hook(hook, HOOKS[hook][0], docs)


iq_handler = _simple(
    "iq-handler",
    "`async def on_iq(header, payload)`: answers the IQs that `[[iq]]` declares with a payload "
    "or None, or raises StanzaError.",
)
message_handler = _simple(
    "message-handler",
    "`async def on_message(header, payloads)`: sees the incoming messages that `[[message]]` "
    "declares, with their declared payloads.",
)
presence_handler = _simple(
    "presence-handler",
    "`async def on_presence(header, payloads)`: sees the incoming presences that `[[presence]]` "
    "declares.",
)
presence_filter = _simple(
    "presence-filter",
    "`async def on_presence(stanza)`: returns an outgoing presence as it shall go out.",
)
unwrap_filter = _simple(
    "unwrap-filter",
    "`async def unwrap(header, stanza)`: takes messages out of messages and feeds them to "
    "`deliver`; returns a Verdict.",
)
decrypt_filter = _simple(
    "decrypt-filter",
    "`async def decrypt(header, stanza)`: replaces an encrypted message by the clear one; "
    "returns a Verdict.",
)
amend_filter = _simple(
    "amend-filter",
    "`async def amend(header, stanza)`: acts on messages about messages; returns a Verdict.",
)
compose_filter = _simple(
    "compose-filter",
    "`async def compose(stanza)`: adds elements to an outgoing message before it is committed; "
    "returns a Verdict.",
)
seal_filter = _simple(
    "seal-filter",
    "`async def seal(stanza)`: encrypts a message just before it is sent; returns a Verdict.",
)
timer_handler = _simple(
    "timer-handler",
    "`async def on_timer(timer)`: a timer's time has come; at least once.",
)


class lifecycle:
    """The life of a profile's stream: `@lifecycle.connected` and so on, each when needed."""

    connected = _hook(
        "lifecycle", "connected", "`async def connected(resumed)`: the stream is there."
    )
    disconnected = _hook(
        "lifecycle", "disconnected", "`async def disconnected()`: the stream is gone."
    )
    settings_changed = _hook(
        "lifecycle",
        "settings-changed",
        "`async def settings_changed(names)`: these settings have other values now.",
    )
    features_changed = _hook(
        "lifecycle",
        "features-changed",
        "`async def features_changed()`: the profile's feature set has changed.",
    )
    unload = _hook(
        "lifecycle",
        "unload",
        "`async def unload()`: the plugin is about to be taken out; two seconds.",
    )


class outbox_handler:
    """What became of durable messages that this plugin sent, by stanza id."""

    sent = _hook("outbox-handler", "on-sent", "`async def on_sent(ids)`: the server has them.")
    failed = _hook(
        "outbox-handler", "on-failed", "`async def on_failed(id, reason)`: it will not be sent."
    )


def feature(function: F | str) -> Any:
    """Makes a function the method of its name in the plugin's feature interface.

    A plugin that offers several interfaces says which: `@feature("sat:ping/ping")`.
    """
    if isinstance(function, str):
        interface = function.split("@")[0]

        def decorate(inner: F) -> F:
            name = inner.__name__
            return _put(registry.features, (interface, name), inner, f"{interface} {name}")

        return decorate
    return _put(registry.features, (None, function.__name__), function, function.__name__)


def on_event(topic: str) -> Callable[[F], F]:
    """Receives an event of another plugin: `@on_event("chat.message")` gets the record.

    Every event comes at least once, in order, also those that came while the plugin was away.
    """

    def decorate(function: F) -> F:
        return _put(registry.events, topic, function, f"the event {topic}")

    return decorate


class Verdict:
    """What a message filter decides: `Verdict.KEEP`, `Verdict.DROP` or `Verdict.Replace(xml)`."""

    KEEP: "Verdict"
    DROP: "Verdict"

    def __init__(self, name: str, stanza: str | None = None) -> None:
        self.name = name
        self.stanza = stanza

    @classmethod
    def Replace(cls, stanza: str) -> "Verdict":
        """Go on with this message instead."""
        return cls("Replace", stanza)

    def __repr__(self) -> str:
        return f"Verdict.{self.name}" + (f"({self.stanza!r})" if self.stanza else "")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Verdict) and (self.name, self.stanza) == (other.name, other.stanza)

    def __hash__(self) -> int:
        return hash((self.name, self.stanza))


Verdict.KEEP = Verdict("Keep")
Verdict.DROP = Verdict("Drop")
