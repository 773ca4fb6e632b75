#!/usr/bin/python3
"""Two slixmpp clients play a scene on the test server. Usage: play.py PORT

Prints each step and "all is well" at the end; any failure ends it with an error."""

import asyncio
import logging
import sys
import xml.etree.ElementTree as ET

import slixmpp
from slixmpp.exceptions import IqError

PLUGINS = ("xep_0030", "xep_0045", "xep_0059", "xep_0060", "xep_0092", "xep_0115", "xep_0163",
           "xep_0198", "xep_0199", "xep_0280", "xep_0313")


class Client(slixmpp.ClientXMPP):
    def __init__(self, jid, password):
        super().__init__(jid, password)
        for plugin in PLUGINS:
            self.register_plugin(plugin)
        self["feature_mechanisms"].unencrypted_scram = True
        self.ready = self.expect("session_start")
        self.add_event_handler("failed_auth", lambda _: sys.exit("slixmpp can't log in"))

    def expect(self, name, fits=lambda event: True):
        """The next event of this name that fits."""
        future = asyncio.get_event_loop().create_future()

        def heard(event):
            if not future.done() and fits(event):
                future.set_result(event)

        self.add_event_handler(name, heard)
        return future

    def go(self, port):
        self.connect(("127.0.0.1", port), use_ssl=False, force_starttls=False, disable_starttls=True)


def step(text):
    print(text, flush=True)


async def wait(future):
    return await asyncio.wait_for(future, 10)


async def play(port):
    juliet = Client("juliet@localhost/balcony", "r0m30")
    romeo = Client("romeo@localhost/street", "jul13t")
    juliet["xep_0163"].add_interest("urn:example:mood")
    for client in (juliet, romeo):
        client.go(port)
        await wait(client.ready)
        mechanism = client["feature_mechanisms"].mech.name
        assert mechanism == "SCRAM-SHA-256", mechanism
    step("both are logged in")

    roster = await juliet.get_roster()
    items = roster["roster"]["items"]
    assert items[slixmpp.JID("romeo@localhost")]["subscription"] == "both", items
    seen = juliet.expect("presence_available", lambda p: p["from"] == "romeo@localhost/street")
    juliet.send_presence()
    romeo.send_presence()
    await wait(seen)
    step("roster and presence")

    heard = romeo.expect("message", lambda m: m["body"] == "O Romeo")
    juliet.send_message("romeo@localhost", "O Romeo", mtype="chat")
    message = await wait(heard)
    assert message["from"] == "juliet@localhost/balcony", message
    step("messages")

    archive = await romeo["xep_0313"].retrieve(with_jid=slixmpp.JID("juliet@localhost"))
    results = archive["mam"]["results"]
    bodies = [r["mam_result"]["forwarded"]["stanza"]["body"] for r in results]
    assert bodies == ["O Romeo"], bodies
    step("archive")

    # Whoever announced urn:example:mood+notify is told; if the server has yet to hear what her
    # capabilities mean, it tells her afterwards.
    node = "urn:example:mood"
    told = juliet.expect("pubsub_publish", lambda m: m["pubsub_event"]["items"]["node"] == node)
    mood = ET.Element("{urn:example:mood}mood")
    mood.text = "happy"
    await romeo["xep_0060"].publish("romeo@localhost", node, id="current", payload=mood)
    event = await wait(told)
    assert event["from"] == "romeo@localhost", event
    items = await juliet["xep_0060"].get_items("romeo@localhost", node)
    assert [i["id"] for i in items["pubsub"]["items"]] == ["current"], items
    try:
        await juliet["xep_0060"].get_items("romeo@localhost", "urn:example:none")
        sys.exit("a node that isn't there has items")
    except IqError as error:
        assert error.condition == "item-not-found", error.condition
    step("publishing and notifications")

    service = "pubsub.localhost"
    await juliet["xep_0060"].create_node(service, "news")
    await romeo["xep_0060"].subscribe(service, "news")
    told = romeo.expect("pubsub_publish", lambda m: m["from"] == service)
    await juliet["xep_0060"].publish(service, "news", id="1", payload=mood)
    await wait(told)
    step("pubsub service")

    room = "garden@rooms.localhost"
    for client, nick in ((juliet, "Juliet"), (romeo, "Romeo")):
        entered = client.expect("muc::%s::self-presence" % room)
        client["xep_0045"].join_muc(room, nick)
        await wait(entered)
        if client is juliet:
            form = await juliet["xep_0045"].get_room_config(room)
            form.reply()
            await juliet["xep_0045"].set_room_config(room, form)
    heard = romeo.expect("groupchat_message", lambda m: m["body"] == "Good night")
    juliet.send_message(room, "Good night", mtype="groupchat")
    message = await wait(heard)
    assert message["mucnick"] == "Juliet", message
    step("a room")

    version = await juliet["xep_0092"].get_version("localhost")
    assert version["software_version"]["name"] == "sat-testserver", version
    await juliet["xep_0199"].ping("localhost", timeout=10)
    for client in (juliet, romeo):
        gone = client.expect("disconnected")
        client.disconnect()
        await wait(gone)
    step("all is well")


logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
loop.run_until_complete(play(int(sys.argv[1])))
