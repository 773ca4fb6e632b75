"""Sending and asking (`sat:host/xmpp`)."""

from __future__ import annotations

from . import jid
from .bindings.sat.host import xmpp as _host
from .bindings.sat.host.xmpp import (
    IqKind,
    IqRequest,
    Outgoing,
    account,
    bound,
    iq,
    send,
    stream_features,
)

__all__ = [
    "IqKind", "IqRequest", "Outgoing", "account", "bound", "durable", "get", "iq", "send",
    "send_durable", "send_now", "server", "set", "stream_features",
]  # fmt: skip


async def get(to: str | None, payload: str, timeout_ms: int | None = None) -> str:
    """Asks `to` (None: the own server) with a `get`, and returns the payload of the answer."""
    return await _host.iq(IqRequest(to, IqKind.GET, payload, timeout_ms))


async def set(to: str | None, payload: str, timeout_ms: int | None = None) -> str:
    """Asks `to` (None: the own server) with a `set`, and returns the payload of the answer."""
    return await _host.iq(IqRequest(to, IqKind.SET, payload, timeout_ms))


def durable(stanza: str, ttl_ms: int | None = None) -> Outgoing:
    """A message that must not be lost, for `storage.commit(…, send=[…])`."""
    return Outgoing(stanza, True, ttl_ms)


async def send_now(stanza: str) -> str:
    """Sends a presence or a message that may be lost (a chat state, say); returns its id."""
    return await _host.send(Outgoing(stanza, False, None))


async def send_durable(stanza: str, ttl_ms: int | None = None) -> str:
    """Puts a message into the outbox and returns its id once it is safe there."""
    return await _host.send(Outgoing(stanza, True, ttl_ms))


def server() -> str:
    """The JID of the account's server.

    An IQ without `to` asks the server on behalf of the account (RFC 6120 §10.3.3); to ask the
    server itself, name it.
    """
    return jid.domain(account())
