"""The plugins that `python -m sat_sdk new` writes."""

from __future__ import annotations

import re
from pathlib import Path

from . import manifest
from .project import ProjectError

_HEAD = """id = "NAME"
version = "0.1.0"
summary = "SUMMARY"
modes = ["client"]
"""
_FEATURE = {
    "plugin.toml": _HEAD.replace("SUMMARY", "Counts the messages that each contact sent")
    + """
[permissions]
storage = "keeps the counts"

[[message]]
types = ["chat", "normal"]
element = "body"
namespace = "jabber:client"
from = ["any"]
""",
    "wit/NAME.wit": """package NAMESPACE:NAME@0.1.0;

interface types {
  /// How much somebody wrote.
  record count {
    /// Bare JID.
    jid: string,
    messages: u32,
  }
}

/// Who wrote how much.
interface NAME {
  use sat:host/types@0.1.0.{error};
  use types.{count};

  /// Everybody who wrote, who wrote most first.
  counts: async func() -> result<list<count>, error>;
}

interface events {
  use types.{count};

  /// Somebody wrote again.
  counted: async func(e: count);
}
""",
    "plugin.py": '''"""Counts the messages that each contact sent."""

from sat_sdk import feature, jid, message_handler, storage
from sat_sdk.bindings.SPACE.MODULE import events
from sat_sdk.bindings.SPACE.MODULE.types import Count

SCHEMA = storage.Migrations(
    "MODULE__schema",
    [["CREATE TABLE MODULE__count (jid TEXT PRIMARY KEY, messages INTEGER NOT NULL) STRICT"]],
)


@message_handler
async def on_message(header, payloads):
    if header.from_ is None:
        return
    who = jid.bare(header.from_)
    await SCHEMA.run()
    before = await storage.select_one("SELECT messages FROM MODULE__count WHERE jid = ?1", [who])
    count = Count(jid=who, messages=1 + (before[0] if before else 0))
    # Emitted first, so that the event is part of the commit.
    await events.counted(count)
    await storage.execute(
        "INSERT INTO MODULE__count VALUES (?1, ?2) ON CONFLICT (jid) DO UPDATE SET messages = ?2",
        [count.jid, count.messages],
    )


@feature
async def counts():
    await SCHEMA.run()
    rows = await storage.select("SELECT jid, messages FROM MODULE__count ORDER BY messages DESC")
    return [Count(*row) for row in rows]
''',
    "test_plugin.py": """import unittest

import plugin  # noqa: F401
from sat_sdk.testing import Host


class Counting(unittest.TestCase):
    def test_counts(self):
        host = Host()
        host.message("<body xmlns='jabber:client'>Hi</body>", from_="romeo@montague.lit/a")
        host.message("<body xmlns='jabber:client'>Ho</body>", from_="romeo@montague.lit/b")
        [romeo] = host.call("TOPIC.counts")
        self.assertEqual((romeo.jid, romeo.messages), ("romeo@montague.lit", 2))
        self.assertEqual(host.events[-1], ("TOPIC.counted", romeo))


if __name__ == "__main__":
    unittest.main()
""",
}
_IQ = {
    "plugin.toml": _HEAD.replace("SUMMARY", "Answers who asks for the weather")
    + """features = ["urn:example:NAME"]

[[iq]]
types = ["get"]
element = "weather"
namespace = "urn:example:NAME"
from = ["any"]
""",
    "plugin.py": '''"""Answers who asks for the weather."""

from sat_sdk import StanzaError, iq_handler, xml


@iq_handler
async def on_iq(header, payload):
    place = xml.attribute(payload, "place")
    if not place:
        raise StanzaError("bad-request", "Say which place")
    return f"<weather xmlns='urn:example:NAME' place='{xml.escape(place)}'>sunny</weather>"
''',
    "test_plugin.py": """import unittest

import plugin  # noqa: F401
from sat_sdk import StanzaError, xml
from sat_sdk.testing import Host


class Asking(unittest.TestCase):
    def test_answers(self):
        answer = Host().iq("<weather xmlns='urn:example:NAME' place='L&apos;Aquila'/>")
        self.assertEqual(xml.parse(answer).get("place"), "L'Aquila")

    def test_wants_a_place(self):
        with self.assertRaises(StanzaError) as caught:
            Host().iq("<weather xmlns='urn:example:NAME'/>")
        self.assertEqual(caught.exception.condition, "bad-request")


if __name__ == "__main__":
    unittest.main()
""",
}
_FILTER = {
    "plugin.toml": _HEAD.replace("SUMMARY", "Writes a smile instead of “:-)”")
    + """
[[compose]]
element = "body"
namespace = "jabber:client"
""",
    "plugin.py": '''"""Writes a smile instead of “:-)”."""

from sat_sdk import Verdict, compose_filter, xml


@compose_filter
async def compose(stanza):
    message = xml.parse(stanza)
    body = message.find("{jabber:client}body")
    if body is None or ":-)" not in (body.text or ""):
        return Verdict.KEEP
    body.text = body.text.replace(":-)", "\\N{SLIGHTLY SMILING FACE}")
    return Verdict.Replace(xml.to_text(message))
''',
    "test_plugin.py": """import unittest

import plugin  # noqa: F401
from sat_sdk import Verdict, xml
from sat_sdk.testing import Host

MESSAGE = "<message xmlns='jabber:client' to='a@b' id='1'><body>{}</body></message>"


class Smiling(unittest.TestCase):
    def test_smiles(self):
        verdict = Host().hook("compose-filter", MESSAGE.format("Hi :-)"))
        message = xml.parse(verdict.stanza)
        self.assertEqual(message.findtext("{jabber:client}body"), "Hi \\N{SLIGHTLY SMILING FACE}")
        self.assertEqual((message.get("to"), message.get("id")), ("a@b", "1"))

    def test_keeps_others(self):
        self.assertEqual(Host().hook("compose-filter", MESSAGE.format("Hi")), Verdict.KEEP)


if __name__ == "__main__":
    unittest.main()
""",
}
_TEMPLATES = {"feature": _FEATURE, "iq": _IQ, "filter": _FILTER}
#: The templates that there are.
NAMES = tuple(_TEMPLATES)


def write(parent: Path, name: str, template: str = "feature", namespace: str = "acme") -> Path:
    """Writes the plugin into a new folder of its name."""
    if not manifest.valid_id(name):
        raise ProjectError(
            f"{name!r} can't be an id: it must be lower-case letters and digits, in words joined "
            f"by single hyphens, at most {manifest.MAX_ID}"
        )
    if not manifest.valid_id(namespace):
        raise ProjectError(f"{namespace!r} can't be a namespace: it must look like an id")
    folder = parent / name
    if folder.exists():
        raise ProjectError(f"{folder} is there already")
    module, space = name.replace("-", "_"), namespace.replace("-", "_")
    words = {
        "NAMESPACE": namespace, "NAME": name, "SPACE": space, "MODULE": module,
        "TOPIC": module if namespace == "sat" else f"{space}.{module}",
    }  # fmt: skip
    for path, text in _TEMPLATES[template].items():
        file = folder / _fill(path, words)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_fill(text, words), encoding="utf-8")
    return folder


def _fill(text: str, words: dict[str, str]) -> str:
    return re.sub("|".join(words), lambda found: words[found[0]], text)
