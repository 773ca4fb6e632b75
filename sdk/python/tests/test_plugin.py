"""A plugin that uses everything, with the host for tests."""

import importlib
import sys
import unittest
from pathlib import Path

from sat_sdk import SatError, StanzaError, Verdict, bindings, project, testing

FOLDER = Path(__file__).parent / "plugin"


class Everything(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        sys.path.insert(0, str(FOLDER))
        cls.addClassCleanup(sys.path.remove, str(FOLDER))
        bindings.use(testing.NativeBackend(FOLDER))
        cls.plugin = importlib.import_module("plugin")

    def setUp(self):
        self.host = testing.Host()

    def thing(self, **fields):
        types = importlib.import_module("sat_sdk.bindings.acme.everything.types")
        from sat_sdk import Json

        return types.Thing(
            **{
                "name": "é", "colour": types.Colour.DARK_BLUE, "shape": types.Shape_Circle(1.5),
                "rights": types.Rights.READ, "from_": None, "pairs": [("a", -1)], "data": b"\0",
                "outcome": _ok(1), "extra": [("x", Json("{}"))],
            } | fields
        )  # fmt: skip

    def test_values_come_back(self):
        thing = self.thing()
        self.assertIs(self.host.call("acme.everything.echo", request=thing), thing)
        self.assertEqual(self.host.events, [("acme.everything.seen", thing)])
        with self.assertRaisesRegex(TypeError, "request.colour: expected a Colour"):
            self.host.call("acme.everything.echo", request=self.thing(colour="red"))

    def test_errors(self):
        for how, code in (
            ("sat", "my-own-word"), ("stanza", "item-not-found"), ("value", "internal-error"),
            ("argument", "internal-error"), ("other", "internal-error"),
        ):  # fmt: skip
            with self.assertRaises(SatError) as caught:
                self.host.call("acme.everything.fail", how=how)
            self.assertEqual(caught.exception.code, code, how)

    def test_capabilities(self):
        said = self.host.call("acme.everything.visit")
        self.assertEqual(said[:4], [repr(b"\0\xff"), "['key']", "True", "b's'"])
        self.assertEqual(said[4], repr((None, 1, 1.5, "é", b"\0", 1)))
        self.assertEqual(said[5:9], ["2", "None", "True", "juliet@capulet.lit"])
        self.assertEqual(said[9:], ["no-provider", "sql-error", "['soon']", "connection-failed"])
        with self.assertLogs("plugin") as logs:
            self.host.timer("soon")
        self.assertEqual(logs.records[0].getMessage(), "soon has come with payload")
        self.assertEqual(self.host.timers, {})

    def test_other_plugins(self):
        response = importlib.import_module("sat_sdk.http").Response
        self.host.web = lambda asked: response(200, asked.url, [], "é".encode(), False)
        self.assertEqual(self.host.call("acme.everything.visit")[12], "é")
        self.host.plugins["sat:disco/disco"] = {"has": lambda jid, feature: feature == "x"}
        self.assertEqual(self.host.call("acme.everything.visit")[9], "False")

    def test_many_at_once(self):
        self.assertEqual(self.host.call("acme.everything.together", n=50), 50)

    def test_permissions_are_needed(self):
        del self.host.manifest.data["permissions"]["storage"]
        with self.assertRaisesRegex(SatError, "uses `storage` without permission"):
            self.host.call("acme.everything.together", n=1)

    def test_iq(self):
        query = "<query xmlns='acme:everything' what='{}'/>"
        self.assertIn(">&lt;</query>", self.host.iq(query.format("&lt;")))
        self.assertIsNone(self.host.iq(query.format("")))
        for payload, condition in (
            (query.replace("what", "who"), "bad-request"),
            (query.format("crash"), "internal-server-error"),
            ("<no", "internal-server-error"),
        ):
            with self.assertRaises(StanzaError) as caught:
                self.host.iq(payload)
            self.assertEqual(caught.exception.condition, condition)

    def test_filters(self):
        amend = lambda text: self.host.hook("amend-filter", testing.header(), text)  # noqa: E731
        self.assertEqual(amend("keep me"), Verdict.KEEP)
        self.assertEqual(amend("drop me"), Verdict.DROP)
        self.assertEqual(amend("change me"), Verdict.Replace("changed"))
        self.assertIn("acme:everything", self.host.hook("presence-filter", "<presence></presence>"))

    def test_lifecycle_and_events(self):
        with self.assertLogs("plugin") as logs:
            self.host.connected()
            types = importlib.import_module("sat_sdk.bindings.sat.host.types")
            reason = types.Error("timeout", "too late")
            self.host.hook("outbox-handler", "m1", reason, function="on-failed")
        self.assertEqual([r.getMessage() for r in logs.records],
                         ["connected, resumed False", "m1 failed: timeout"])  # fmt: skip
        with self.assertRaises(LookupError):
            self.host.event("chat.updated", None)
        with self.assertRaisesRegex(TypeError, "expected a Message"):
            self.host.event("chat.message", {"body": "no"})

    def test_the_project(self):
        found = project.load(FOLDER)
        self.assertEqual(
            found.hooks,
            [
                "lifecycle",
                "iq-handler",
                "presence-filter",
                "amend-filter",
                "outbox-handler",
                "timer-handler",
            ],
        )
        self.assertEqual(found.features, ["acme:everything/everything"])
        self.assertIn("sat:disco/disco@0.1.0", found.imports)
        self.assertIn("export sat:chat/events@0.1.0;", found.text)
        self.assertEqual(found.world, "acme:everything/plugin")


class Mistakes(unittest.TestCase):
    """What an author gets to read."""

    def load(self, module, manifest="", wit=None):
        import tempfile

        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        root = Path(folder.name)
        head = "id = 'a'\nversion = '0.1.0'\nsummary = 'x'\n"
        (root / "plugin.toml").write_text(head + manifest)
        (root / "plugin.py").write_text(module)
        if wit:
            (root / "wit").mkdir()
            (root / "wit" / "a.wit").write_text(wit)
        return project.load(root)

    def test_sentences(self):
        wit = (
            "package acme:a@0.1.0;\ninterface a {\n  use sat:host/types@0.1.0.{error};\n"
            "  get-it: async func(id: string) -> result<_, error>;\n}\n"
        )
        method = "from sat_sdk import feature\n@feature\nasync def get_it({}): pass\n"
        self.assertEqual(self.load(method.format("id"), wit=wit).features, ["acme:a/a"])
        self.assertEqual(self.load("").hooks, [])
        for module, manifest, text, words in (
            ("from sat_sdk import storage", "", None, r'add `storage = "why"` below'),
            ("from sat_sdk.bindings.sat.disco import disco", "", None, r'add `disco = "why"`'),
            ("", "", wit, "write `@feature` before `async def get_it\\(id\\)`"),
            (method.format(""), "", wit, "it must be `async def get_it\\(id\\)`"),
            (method.format("id"), "", None, "there is no such function in its WIT, since"),
            ("from sat_sdk import iq_handler\n@iq_handler\ndef f(): pass", "", None, r"no \[\[iq"),
            ("from sat_sdk import on_event\n@on_event('a.b')\ndef f(e): pass", "", None, "no WIT"),
            ("from sat_sdk.bindings.sat.chat import events", "", None, '@on_event\\("chat.message'),
            ("import nothing_like_that", "", None, "nothing_like_that"),
            ("", "colour = 1", None, "plugin.toml: line 4: unknown field `colour`"),
        ):
            with self.subTest(words), self.assertRaisesRegex(project.ProjectError, words):
                self.load(module, manifest, text)


def _ok(value):
    class Ok:
        def __init__(self, value):
            self.value = value

    return Ok(value)


if __name__ == "__main__":
    unittest.main()
