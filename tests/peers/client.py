#!/usr/bin/python3
"""A foreign client on slixmpp. Usage: client.py JID PASSWORD PORT

Takes orders and prints what happens, one JSON object a line each."""

import asyncio
import json
import logging
import sys

import slixmpp


def say(**line):
    print(json.dumps(line), flush=True)


class Client(slixmpp.ClientXMPP):
    def __init__(self, jid, password):
        super().__init__(jid, password)
        for plugin in ("xep_0030", "xep_0092", "xep_0115", "xep_0184", "xep_0199", "xep_0202", "xep_0280"):
            self.register_plugin(plugin)
        self["xep_0184"].auto_ack = True
        self["xep_0184"].auto_request = True
        self["feature_mechanisms"].unencrypted_plain = True
        self["feature_mechanisms"].unencrypted_scram = True
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("message", self.message)
        self.add_event_handler("receipt_received", lambda m: say(event="receipt", of=m["receipt"]))
        self.add_event_handler("carbon_received", lambda m: self.carbon("received", m["carbon_received"]))
        self.add_event_handler("carbon_sent", lambda m: self.carbon("sent", m["carbon_sent"]))
        self.add_event_handler("failed_auth", lambda _: sys.exit("slixmpp can't log in"))

    async def started(self, _):
        self.send_presence()
        await self.get_roster()
        await self["xep_0280"].enable()
        say(event="online")
        # Asyncio itself holds tasks weakly.
        self.task = asyncio.ensure_future(self.orders())

    def message(self, m):
        if m["type"] in ("chat", "normal") and m["body"]:
            say(event="message", **{"from": str(m["from"]), "id": m["id"], "body": m["body"]})

    def carbon(self, way, m):
        say(event="carbon", way=way, to=str(m["to"]), body=m["body"])

    async def orders(self):
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        async for line in reader:
            order = json.loads(line)
            try:
                result = await getattr(self, "do_" + order["order"])(order)
                say(done=order["order"], ok=result)
            except slixmpp.exceptions.IqError as e:
                say(done=order["order"], error=e.iq["error"]["condition"])
            except slixmpp.exceptions.IqTimeout:
                say(done=order["order"], error="timeout")
        self.disconnect()

    async def do_send(self, order):
        m = self.make_message(mto=order["to"], mbody=order["body"], mtype="chat")
        m["id"] = self.new_id()
        m["request_receipt"] = True
        m.send()
        return m["id"]

    async def do_ping(self, order):
        return await self["xep_0199"].ping(order["to"], timeout=10) is not None

    async def do_version(self, order):
        answer = await self["xep_0092"].get_version(order["to"])
        return answer["software_version"]["name"]

    async def do_time(self, order):
        answer = await self["xep_0202"].get_entity_time(order["to"])
        # slixmpp 1.8.3 can't read the time of an answer with milliseconds: as text.
        return answer["entity_time"]._get_sub_text("utc")

    async def do_info(self, order):
        answer = await self["xep_0030"].get_info(order["to"], node=order.get("node"))
        return sorted(answer["disco_info"]["features"])

    async def do_caps(self, order):
        """What slixmpp makes of the caps hash in somebody's presence, once it has checked it."""
        for _ in range(100):
            ver = await self["xep_0115"].get_verstring(order["to"])
            if ver:
                caps = await self["xep_0115"].get_caps(verstring=ver)
                if caps is not None:
                    return sorted(caps["features"])
            await asyncio.sleep(0.1)
        return None


def main():
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    jid, password, port = sys.argv[1:]
    client = Client(jid, password)
    client.connect(("127.0.0.1", int(port)), use_ssl=False, force_starttls=False, disable_starttls=True)
    client.process()


main()
