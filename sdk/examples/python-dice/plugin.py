"""Rolls dice, for the account and for contacts who write `!roll 2d6`."""

import json
import logging
import random
import re

from sat_sdk.bindings.example.dice import events
from sat_sdk.bindings.example.dice.types import Outcome

from sat_sdk import (
    PeerKind,
    SatError,
    Via,
    datetime,
    feature,
    jid,
    message_handler,
    settings,
    storage,
    xml,
    xmpp,
)

log = logging.getLogger(__name__)

DICE = re.compile(r"(?P<count>\d{0,3})d(?P<sides>\d{1,4})(?P<plus>[+-]\d{1,4})?", re.ASCII)
#: How many outcomes are kept: contacts can ask as often as they like.
KEPT = 1000
# The system's randomness, not a sequence that can be guessed.
RANDOM = random.SystemRandom()

SCHEMA = storage.Migrations(
    "dice__schema",
    [
        [
            """CREATE TABLE dice__outcome (
                id INTEGER PRIMARY KEY,
                who TEXT NOT NULL,
                dice TEXT NOT NULL,
                shown TEXT NOT NULL,
                total INTEGER NOT NULL,
                at TEXT NOT NULL
            ) STRICT"""
        ]
    ],
)


@feature
async def roll(dice):
    outcome = throw(xmpp.account(), dice)
    await keep(outcome)
    return outcome


@feature
async def outcomes(limit):
    await SCHEMA.run()
    select = "SELECT who, dice, shown, total, at FROM dice__outcome ORDER BY id DESC LIMIT ?1"
    rows = await storage.select(select, [20 if limit is None else min(limit, KEPT)])
    return [
        Outcome(who, dice, json.loads(shown), total, at) for who, dice, shown, total, at in rows
    ]


@message_handler
async def on_message(header, payloads):
    command, _, dice = xml.text(payloads[0]).strip().partition(" ")
    # Only contacts, and only what is said now: the archive's messages were answered in their time.
    asked = command == "!roll" and header.via == Via.LIVE
    if not asked or header.peer_kind != PeerKind.CONTACT or not settings.get("answer"):
        return
    try:
        outcome = throw(jid.bare(header.from_), dice.strip() or "d6")
    except SatError as error:
        await xmpp.send_durable(message(header.from_, error.message))
        return
    log.info("%s rolled %s: %d", outcome.who, outcome.dice, outcome.total)
    await keep(outcome, [xmpp.durable(message(header.from_, sentence(outcome)))])


def throw(who, dice):
    """Rolls, and says for whom."""
    found = DICE.fullmatch(dice.replace(" ", "").lower())
    count, sides = (int(found["count"] or 1), int(found["sides"])) if found else (0, 0)
    if not (1 <= count <= 100 and 1 <= sides <= 1000):
        raise SatError("bad-request", "Say which dice, such as 2d6, d20 or 3d8-2")
    shown = [RANDOM.randint(1, sides) for _ in range(count)]
    total = sum(shown) + int(found["plus"] or 0)
    return Outcome(who, found[0], shown, total, datetime.now())


async def keep(outcome, send=()):
    """Stores an outcome, tells of it and sends messages about it: all of it, or nothing."""
    await SCHEMA.run()
    # Emitted first, so that the event is part of the commit.
    await events.rolled(outcome)
    row = [outcome.who, outcome.dice, json.dumps(outcome.shown), outcome.total, outcome.at]
    statements = [
        storage.sql(
            "INSERT INTO dice__outcome (who, dice, shown, total, at) VALUES (?1, ?2, ?3, ?4, ?5)",
            row,
        ),
        storage.sql(
            "DELETE FROM dice__outcome WHERE id <= (SELECT max(id) FROM dice__outcome) - ?1", [KEPT]
        ),
    ]
    await storage.commit(statements, send)


def sentence(outcome):
    """What the one who asked gets to read."""
    shown = " + ".join(map(str, outcome.shown))
    return f"{outcome.dice}: {outcome.total}" + (f" ({shown})" if len(outcome.shown) > 1 else "")


def message(to, body):
    """A chat message as XML."""
    return (
        f"<message xmlns='jabber:client' type='chat' to='{xml.escape(to)}'>"
        f"<body>{xml.escape(body)}</body></message>"
    )
