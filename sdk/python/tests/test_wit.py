import tempfile
import unittest
from pathlib import Path

from sat_sdk import wit, world
from sat_sdk.bindings import native_type
from sat_sdk.values import Checks

OWN = """package acme:a@0.1.0;
interface types {
  /// A thing.
  record thing { name: string, %from: option<string>, n: u8, many: list<tuple<string, s8>> }
  enum colour { red, dark-blue }
  variant found { nothing, one(thing), rest(list<u8>) }
  flags rights { read, write-all }
  type things = list<thing>;
}
/* Not a function: x: func(); */
interface a {
  use sat:host/types@0.1.0.{error};
  use types.{thing, found as outcome};
  get-it: async func(what: thing, request: option<u32>) -> result<outcome, error>;
  %list: async func() -> result<_, error>;
}
interface events { use types.{thing}; came: async func(e: thing); }
"""


class Reading(unittest.TestCase):
    def setUp(self):
        self.known = wit.parse(OWN) | world.available(None)

    def test_reads_interfaces(self):
        a = self.known["acme:a/a"]
        self.assertEqual(a.full, "acme:a/a@0.1.0")
        self.assertEqual(list(a.functions), ["get-it", "list"])
        function = a.functions["get-it"]
        self.assertTrue(function.is_async)
        self.assertEqual(function.params[1], ("request", wit.Compound("option", ("u32",))))
        owner, definition = wit.resolve(self.known, wit.Named("acme:a/a", "outcome"))
        self.assertEqual((owner.short, definition.name), ("types", "found"))
        self.assertEqual(self.known["acme:a/types"].types["thing"].docs, "A thing.")

    def test_reads_the_whole_contract(self):
        for name in ("sat:host/storage", "sat:plugin/lifecycle", "sat:chat/chat"):
            self.assertTrue(self.known[name].functions, name)

    def test_names_in_python(self):
        self.assertEqual(wit.snake("from"), "from_")
        self.assertEqual(wit.snake("edited-at"), "edited_at")
        self.assertEqual(wit.camel("stanza-error"), "StanzaError")
        self.assertEqual(wit.shout("carbon-sent"), "CARBON_SENT")

    def test_refuses_with_the_line(self):
        for text, word in (
            ("package a:b;\ninterface x { resource r; }", "line 2.*resource"),
            ("package a:b;\ninterface x { f: func() -> stream<u8>; }", "line 2.*`stream`"),
            ("package a:b;\ninterface x {", "line 2.*expected a name"),
            ("interface x {}", "package"),
            ("package a:b;\n?", "line 2"),
        ):
            with self.assertRaisesRegex(wit.WitError, word):
                wit.parse(text)

    def test_checks_values(self):
        types = self.known["acme:a/types"]
        made = {}
        for definition in types.types.values():
            if definition.kind != "type":
                made |= native_type(types, definition)
        checks = Checks(self.known, lambda interface, name: made[name])
        thing = made["Thing"]("n", None, 1, [("a", -1)])
        good = {
            "thing": [thing],
            "found": [made["Found_Nothing"](), made["Found_One"](thing), made["Found_Rest"](b"")],
            "colour": [made["Colour"].DARK_BLUE],
            "rights": [made["Rights"].READ | made["Rights"].WRITE_ALL],
            "things": [[], [thing]],
        }
        for name, values in good.items():
            for value in values:
                checks.of(wit.Named("acme:a/types", name))(value, "x")
        for name, value, words in (
            ("thing", {"name": "n"}, "x: expected a Thing, found a dict"),
            ("thing", made["Thing"](1, None, 1, []), "x.name: expected a str, found an int"),
            ("thing", made["Thing"]("", None, 256, []), "x.n: 256 doesn't fit into `u8`"),
            ("thing", made["Thing"]("", None, True, []), "x.n: expected an int, found a bool"),
            ("thing", made["Thing"]("", None, 1, [("a",)]), r"x.many\[0\]: expected a tuple of 2"),
            ("thing", made["Thing"]("\ud800", None, 1, []), "lone surrogate"),
            ("found", None, "x: expected Found_Nothing or"),
            ("found", made["Found_Rest"]("a"), "x: expected bytes"),
            ("colour", "red", "x: expected a Colour"),
            ("things", (thing,), "x: expected a list"),
        ):
            with self.assertRaisesRegex(TypeError, words):
                checks.of(wit.Named("acme:a/types", name))(value, "x")


class Worlds(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def collect(self, own, imports=(), exports=()):
        (self.folder / "own.wit").write_text(own)
        return world.collect(self.folder, "a", list(imports), list(exports))

    def test_completes_a_missing_world(self):
        text = self.collect(OWN, ["sat:host/xmpp@0.1.0"], ["sat:plugin/iq-handler@0.1.0"])
        for line in (
            "import sat:host/xmpp@0.1.0;", "export sat:plugin/iq-handler@0.1.0;", "export a;",
            "import events;", "package sat:host@0.1.0 {", "package sat:plugin@0.1.0 {",
        ):  # fmt: skip
            # The contract's own world says the imports too.
            where = text if line.startswith("package") else text.split("\npackage ")[0]
            self.assertEqual(where.count(line), 1, line)
        self.assertEqual(world.exported(*world.package(self.folder)), ["acme:a/a"])

    def test_adds_to_a_world(self):
        own = OWN + "world plugin {\n  import sat:disco/disco@0.1.0;\n  export a;\n}\n"
        text = self.collect(own, ["sat:disco/disco@0.1.0", "sat:host/log@0.1.0"])
        self.assertEqual(text.count("import sat:disco/disco@0.1.0;"), 1)
        self.assertIn("world plugin {\n  import sat:host/log@0.1.0;\n", text)
        self.assertIn("package sat:disco@0.1.0 {", text)

    def test_offers_the_feature_of_another_package(self):
        own = "package sat:ping-plugin@0.1.0;\n\nworld plugin {\n  export sat:ping/ping@0.1.0;\n}\n"
        text = self.collect(own)
        self.assertIn("package sat:ping@0.1.0 {", text)
        self.assertEqual(world.exported(*world.package(self.folder)), ["sat:ping/ping"])

    def test_refuses(self):
        for own, word in (
            (OWN + "world plugin {\n  export sat:plugin/lifecycle@0.1.0;\n}\n", "by decorators"),
            (OWN + "world plugin { export a; }\n", "end of its first line"),
            (OWN + "world plugin {\n  import acme:other/other@0.1.0;\n}\n", "wit/deps/other/"),
        ):
            with self.assertRaisesRegex(wit.WitError, word):
                self.collect(own)

    def test_a_type_of_xmpp_doesnt_bring_its_functions(self):
        imports = ["sat:host/storage@0.1.0"]
        whole = self.collect(OWN, imports)
        compiled = wit.parse(world.compiled(whole, imports))
        self.assertEqual(compiled["sat:host/xmpp"].functions, {})
        self.assertIn("outgoing", compiled["sat:host/xmpp"].types)
        self.assertEqual(
            compiled["sat:host/storage"].functions, wit.parse(whole)["sat:host/storage"].functions
        )
        self.assertTrue(compiled["acme:a/a"].functions)
