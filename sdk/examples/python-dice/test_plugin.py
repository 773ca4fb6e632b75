import unittest

import plugin

from sat_sdk import PeerKind, SatError, Via, xml
from sat_sdk.testing import Host


def body(text):
    return f"<body xmlns='jabber:client'>{xml.escape(text)}</body>"


class Rolling(unittest.TestCase):
    def setUp(self):
        self.host = Host()

    def test_rolls_and_remembers(self):
        first = self.host.call("example.dice.roll", dice="2d6+1")
        self.assertEqual((first.who, first.dice, len(first.shown)), (self.host.account, "2d6+1", 2))
        self.assertEqual(first.total, sum(first.shown) + 1)
        second = self.host.call("example.dice.roll", dice="d20")
        self.assertEqual(self.host.call("example.dice.outcomes"), [second, first])
        self.assertEqual(self.host.call("example.dice.outcomes", limit=1), [second])
        self.assertEqual(self.host.events, [("example.dice.rolled", o) for o in (first, second)])

    def test_refuses_what_are_no_dice(self):
        for dice in ("", "6", "0d6", "101d6", "d0", "d1001", "2d6+", "٢d6", "d6; DROP TABLE"):
            with self.assertRaises(SatError, msg=dice) as caught:
                self.host.call("example.dice.roll", dice=dice)
            self.assertEqual(caught.exception.code, "bad-request")
        self.assertEqual(self.host.call("example.dice.outcomes"), [])

    def test_answers_contacts(self):
        self.host.message(body("!roll 3d6"), from_="romeo@montague.lit/orchard")
        [answer] = map(xml.parse, self.host.outbox)
        self.assertEqual(answer.get("to"), "romeo@montague.lit/orchard")
        [(_, outcome)] = self.host.events
        self.assertEqual(outcome.who, "romeo@montague.lit")
        self.assertEqual(answer.findtext("{jabber:client}body"), plugin.sentence(outcome))

    def test_tells_contacts_what_is_wrong(self):
        self.host.message(body("!roll <all>"))
        self.assertIn("such as 2d6", self.host.outbox[0])
        self.assertEqual(self.host.events, [])

    def test_answers_nobody_else(self):
        self.host.message(body("Let's roll 2d6"))
        self.host.message(body("!roll"), peer_kind=PeerKind.OCCUPANT)
        self.host.message(body("!roll"), via=Via.ARCHIVE)
        self.host.settings["answer"] = False
        self.host.message(body("!roll"))
        self.assertEqual(self.host.outbox, [])

    def test_forgets_the_oldest(self):
        plugin.KEPT, kept = 3, plugin.KEPT
        self.addCleanup(setattr, plugin, "KEPT", kept)
        for _ in range(5):
            self.host.call("example.dice.roll", dice="d6")
        self.assertEqual(len(self.host.call("example.dice.outcomes", limit=100)), 3)


if __name__ == "__main__":
    unittest.main()
