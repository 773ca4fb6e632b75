"""The plugin that `python -m sat_sdk new` writes."""

from __future__ import annotations

from pathlib import Path

from . import manifest
from .project import ProjectError, module_name

_FILES = {
    "plugin.toml": '''id = "NAME"
version = "0.1.0"
summary = "Counts the messages that each contact sent"
modes = ["client"]

[permissions]
storage = "keeps the counts"

[[message]]
types = ["chat", "normal"]
element = "body"
namespace = "jabber:client"
from = ["any"]
''',
    "wit/NAME.wit": '''package acme:NAME@0.1.0;

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
''',
    "MODULE.py": '''"""Counts the messages that each contact sent."""

from sat_sdk import feature, jid, message_handler
from sat_sdk import storage
from sat_sdk.bindings.acme.MODULE import events
from sat_sdk.bindings.acme.MODULE.types import Count

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
    "test_MODULE.py": '''import unittest

import MODULE  # noqa: F401
from sat_sdk.testing import Host


class Counting(unittest.TestCase):
    def test_counts(self):
        host = Host()
        host.message("<body xmlns='jabber:client'>Hi</body>", from_="romeo@montague.lit/a")
        host.message("<body xmlns='jabber:client'>Ho</body>", from_="romeo@montague.lit/b")
        [romeo] = host.call("acme.TOPIC.counts")
        self.assertEqual((romeo.jid, romeo.messages), ("romeo@montague.lit", 2))
        self.assertEqual(host.events[-1], ("acme.TOPIC.counted", romeo))


if __name__ == "__main__":
    unittest.main()
''',
}


def write(parent: Path, name: str) -> Path:
    """Writes the plugin into a new folder of its name."""
    if not manifest.valid_id(name):
        raise ProjectError(
            f"{name!r} can't be an id: it must be lower-case letters and digits, in words joined "
            f"by single hyphens, at most {manifest.MAX_ID}"
        )
    folder = parent / name
    if folder.exists():
        raise ProjectError(f"{folder} is there already")
    module = module_name(name)
    for path, text in _FILES.items():
        file = folder / path.replace("MODULE", module).replace("NAME", name)
        file.parent.mkdir(parents=True, exist_ok=True)
        text = text.replace("MODULE", module).replace("TOPIC", module).replace("NAME", name)
        file.write_text(text, encoding="utf-8")
    return folder
