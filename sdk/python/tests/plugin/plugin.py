"""Uses all that the SDK offers, for its tests."""

import asyncio
import json
import logging
import random as system_random
import socket
from datetime import timedelta

from sat_sdk.bindings.acme.everything import events
from sat_sdk.bindings.sat.disco import disco

from sat_sdk import (
    PeerKind,
    SatError,
    StanzaError,
    Verdict,
    amend_filter,
    deliver,
    feature,
    features,
    http,
    iq_handler,
    lifecycle,
    on_event,
    outbox_handler,
    peers,
    presence_filter,
    secrets,
    settings,
    storage,
    timer_handler,
    timers,
    xml,
    xmpp,
)

log = logging.getLogger(__name__)


@feature
async def echo(request):
    await events.seen(request)
    return request


@feature
async def fail(how):
    log.debug("asked to fail by %s", how)
    if how == "sat":
        raise SatError("my-own-word", "as asked")
    if how == "stanza":
        raise StanzaError("item-not-found", "as asked")
    if how == "value":
        return "nothing was wanted"
    if how == "argument":
        await storage.set("key", "text")
    if how == "socket":
        socket.create_connection(("127.0.0.1", 1))
    if how == "print":
        print("printed")
        return None
    if how == "deep":
        return deep(0)
    if how.startswith("json"):
        json.loads("[" * int(how[4:]))
    if how == "loop":
        while True:
            pass
    raise RuntimeError(how)


def deep(n):
    return deep(n + 1) + 1


@feature
async def visit():
    said = []
    await storage.set("key", b"\0\xff")
    said.append(repr(await storage.get("key")))
    said.append(repr(await storage.keys("k", None, 10)))
    said.append(repr(await storage.delete("key")))
    await secrets.set("token", b"s")
    said.append(repr(await secrets.get("token")))
    row = [None, 1, 1.5, "é", b"\0", True]
    said.append(repr(await storage.select_one("SELECT ?1, ?2, ?3, ?4, ?5, ?6", row)))
    said.append(repr(settings.get("times")))
    said.append(repr(settings.get("nothing")))
    await features.set(["acme:everything"])
    said.append(repr("acme:everything" in features.all().features))
    await peers.claim([peers.Peer("room@conference.localhost", PeerKind.ROOM)])
    await peers.release(["room@conference.localhost"])
    said.append(xmpp.account())
    try:
        said.append(repr(await disco.has(jid=None, feature="urn:xmpp:ping")))
    except SatError as error:
        said.append(error.code)
    try:
        await storage.execute("SELECT * FROM chat__message")
    except SatError as error:
        said.append(error.code)
    await deliver.deliver([])
    await timers.set_in("soon", timedelta(seconds=0.2), "payload")
    said.append(repr([timer.name for timer in await timers.list(None, 10)]))
    try:
        said.append(http.text(await http.get("https://b.example/")))
    except SatError as error:
        said.append(error.code)
    return said


@feature
async def together(n):
    found = await asyncio.gather(*(storage.get(f"k{i}") for i in range(n)))
    return len(found)


@feature
async def random():
    return bytes(system_random.randrange(256) for _ in range(16))


@iq_handler
async def on_iq(header, payload):
    asked = xml.attribute(payload, "what")
    if asked is None:
        raise StanzaError("bad-request", "say what")
    if asked == "crash":
        raise KeyError(asked)
    return f"<query xmlns='acme:everything'>{xml.escape(asked)}</query>" if asked else None


@amend_filter
async def amend(header, stanza):
    if "drop me" in stanza:
        return Verdict.DROP
    if "change me" in stanza:
        return Verdict.Replace(stanza.replace("change me", "changed"))
    return Verdict.KEEP


@presence_filter
async def on_presence(stanza):
    return stanza.replace("</presence>", "<x xmlns='acme:everything'/></presence>")


@timer_handler
async def on_timer(timer):
    log.info("%s has come with %s", timer.name, timer.payload)


@lifecycle.connected
async def connected(resumed):
    log.info("connected, resumed %s", resumed)


@outbox_handler.failed
async def on_failed(id, reason):
    log.warning("%s failed: %s", id, reason.code)


@on_event("chat.message")
async def on_chat(message):
    log.info("chat has %s", message.body)
