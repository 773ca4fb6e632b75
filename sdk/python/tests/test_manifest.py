import unittest

from sat_sdk.manifest import Manifest, ManifestError, valid_id

HEAD = "id = 'a'\nversion = '1.0.0'\nsummary = 's'\n"
IQ = "[[iq]]\nelement='x'\nnamespace='y'\n"


class Manifests(unittest.TestCase):
    def refused(self, text):
        with self.assertRaises(ManifestError, msg=text) as caught:
            Manifest(text)
        return caught.exception

    def test_ids(self):
        for good in ("ping", "a1", "chat-rooms", "x-1"):
            self.assertTrue(valid_id(good), good)
        for bad in ("", "Ping", "1a", "a--b", "-a", "a-", "a_b", "a.b", "a\n", "ä", "a" * 41):
            self.assertFalse(valid_id(bad), bad)

    def test_errors_name_the_line(self):
        for text, line, word in (
            (HEAD + "colour = 1\n", 4, "unknown field `colour`"),
            (HEAD + IQ, 4, "`from` is needed"),
            (HEAD + IQ + "from=['any']\n[[iq]]\n", 8, "`element` and"),
            (HEAD.replace("'a'", "'A b'"), 1, '`id` is "A b"'),
            (HEAD.replace("1.0.0", "one"), 2, "semantic version"),
            (HEAD.replace("'s'", "''"), 3, "one line of text"),
            (HEAD + "[settings.a]\ntype='bool'\ndefault=1\nlabel='x'\n", 4, "another type"),
            (HEAD + "[settings.a]\ntype='integer'\ndefault=true\nlabel='x'\n", 4, "another type"),
            (HEAD + "[http]\nhosts=[]\n", 4, "names no host"),
            (HEAD + "[http]\nhosts=['127.0.0.1']\n", 5, "is no name of a host"),
            (HEAD + "[http]\n", 4, "missing field `hosts`"),
            (HEAD + "[[message]]\nfrom=['anybody']\n", 5, "unknown variant"),
            ("id = 'a'", 1, "missing field `version`"),
        ):
            error = self.refused(text)
            self.assertEqual(error.line, line, f"{text}: {error}")
            self.assertIn(word, str(error))
        self.assertIn("line 2", str(self.refused("id = 'a'\n!\n")))

    def test_hooks_and_declarations_belong_together(self):
        plain, iq = Manifest(HEAD), Manifest(HEAD + IQ + "from=['any']\n")
        plain.check_hooks(lambda hook: False)
        iq.check_hooks(lambda hook: hook == "iq-handler")
        with self.assertRaisesRegex(ManifestError, "put `@iq_handler` before"):
            iq.check_hooks(lambda hook: False)
        with self.assertRaisesRegex(ManifestError, r"declares no \[\[seal\]\]"):
            plain.check_hooks(lambda hook: hook == "seal-filter")

    def test_uses_need_permissions(self):
        manifest = Manifest(HEAD + "[permissions]\nxmpp='x'\n'acme.weather'='y'\n")
        manifest.check_uses(["xmpp", "log", "acme.weather"])
        with self.assertRaisesRegex(ManifestError, '`storage = "why"`'):
            manifest.check_uses(["log", "storage"])
        with self.assertRaisesRegex(ManifestError, '`"acme.chess" = "why"`'):
            manifest.check_uses(["acme.chess"])

    def test_hosts_of_the_web(self):
        for host in ("*", "a.example", "*.a.example", "localhost", "xn--bcher-kva.example"):
            Manifest(f"{HEAD}[http]\nhosts=['{host}']\n")
        for host in ("", ".", "*.", "a.*.b", "A.b", "https://a.b", "a.b:1", "0x7f.1", "::1", "ü.a"):
            self.refused(f"{HEAD}[http]\nhosts=['{host}']\n")
        manifest = Manifest(HEAD + "[permissions]\nhttp='x'\n")
        with self.assertRaisesRegex(ManifestError, "doesn't say where"):
            manifest.check_uses(["http"])

    def test_the_projects_own_manifests(self):
        from pathlib import Path

        found = list((Path(__file__).parents[3] / "plugins").glob("*/plugin.toml"))
        self.assertTrue(found)
        for path in found:
            with self.subTest(path.parent.name):
                Manifest(path.read_text(encoding="utf-8"))
