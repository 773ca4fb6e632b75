import unittest
from datetime import datetime, timedelta, timezone

from sat_sdk import SatError, StanzaError, jid, xml
from sat_sdk import datetime as moments


class Xml(unittest.TestCase):
    def test_escapes_what_it_reads(self):
        said = "a < b && \"c\" > 'd'\n\té \U0001f600 ]]>"
        body = f"<body xmlns='jabber:client' a='{xml.escape(said)}'>{xml.escape(said)}</body>"
        self.assertEqual(xml.text(body), said)
        self.assertEqual(xml.attribute(body.replace("\n", " "), "b"), None)
        self.assertEqual(xml.name(body), "body")
        self.assertEqual(xml.text(f"<a>{xml.escape(chr(0) + chr(0xD800))}</a>"), "\ufffd\ufffd")

    def test_takes_only_the_elements_own_text(self):
        self.assertEqual(xml.text("<a>x<b>no</b>y<c/>z</a>"), "xyz")

    def test_limits_depth(self):
        deepest = "<a>" * xml.MAX_DEPTH + "</a>" * xml.MAX_DEPTH
        self.assertEqual(xml.parse(deepest).tag, "a")
        with self.assertRaisesRegex(SatError, "MAX_DEPTH"):
            xml.parse(f"<a>{deepest}</a>")
        with self.assertRaisesRegex(SatError, "MAX_DEPTH"):
            xml.parse("<a>" * 100_000)

    def test_refuses(self):
        bomb = "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"
        for bad in ("", "<", "<a>", "a", "<a/><b/>", "<a b=c/>", "<a>&b;</a>", bomb):
            with self.assertRaises(SatError, msg=bad) as caught:
                xml.parse(bad)
            self.assertEqual(caught.exception.code, "bad-xml")

    def test_names(self):
        for text, name in (("<a/>", "a"), (" <a b='>'>", "a"), ("", ""), ("<", ""), ("x", "")):
            self.assertEqual(xml.name(text), name)


class Jids(unittest.TestCase):
    def test_parts(self):
        self.assertEqual(jid.bare("a@b/c/d"), "a@b")
        self.assertEqual(jid.domain("a@b/c@d"), "b")
        self.assertEqual(jid.resource("a@b/c/d"), "c/d")
        self.assertIsNone(jid.resource("a@b"))

    def test_normalizes(self):
        for typed, wanted in (
            ("Juliet@Capulet.LIT/balcony", "juliet@capulet.lit"),
            (" capulet.lit. ", "capulet.lit"),
            ("Ψ@例え.jp", "ψ@例え.jp"),
            ("a+b!c@my-host.example", "a+b!c@my-host.example"),
            ("a@[::1]", "a@[::1]"),
            ("a@localhost/@/@", "a@localhost"),
        ):
            self.assertEqual(jid.normalize(typed), wanted)

    def test_refuses(self):
        for typed in (
            "", "@", "a@", "@b", "a b@c", "a@b c", "a@b@c", "a<b@c", "a:b@c", "/x", "a@b..c",
            "a@.b", "a@[x]", "a@b:5222", "a@b'", "a\0@b", "a" * 1024,
        ):  # fmt: skip
            with self.assertRaises(SatError, msg=typed):
                jid.normalize(typed)


class Moments(unittest.TestCase):
    def test_reads_what_xep_0082_writes(self):
        for text, utc in (
            ("1969-07-21T02:56:15Z", "1969-07-21T02:56:15.000Z"),
            ("1969-07-20T21:56:15-05:00", "1969-07-21T02:56:15.000Z"),
            ("2006-12-19T17:58:35.5Z", "2006-12-19T17:58:35.500Z"),
            ("2006-12-19T17:58:35.123456789+05:30", "2006-12-19T12:28:35.123Z"),
            ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"),
            (" 2000-01-01t00:00:00z\n", "2000-01-01T00:00:00.000Z"),
        ):
            self.assertEqual(moments.format(moments.parse(text)), utc)

    def test_refuses_what_is_no_moment(self):
        for text in (
            "", "T", "Z", "2006-12-19", "2006-12-19T17:58:35", "2006-13-01T00:00:00Z",
            "2023-02-29T00:00:00Z", "2006-12-19T24:00:00Z", "2006-12-19T17:58:35.Z",
            "06-12-19T17:58:35Z", "2006-12-19T17:58:35+0200", "٢٠٠٦-12-19T17:58:35Z",
            "9999-12-31T23:59:60Z",
        ):  # fmt: skip
            self.assertIsNone(moments.parse(text), text)

    def test_writes_other_zones_in_utc(self):
        zone = timezone(timedelta(hours=2))
        self.assertEqual(
            moments.format(datetime(2000, 1, 1, 1, tzinfo=zone)), "1999-12-31T23:00:00.000Z"
        )
        with self.assertRaises(ValueError):
            moments.format(datetime(2000, 1, 1))


class Errors(unittest.TestCase):
    def test_types_of_conditions(self):
        for condition, kind in (
            ("item-not-found", "cancel"), ("bad-request", "modify"), ("forbidden", "auth"),
            ("resource-constraint", "wait"),
        ):  # fmt: skip
            self.assertEqual(StanzaError(condition).kind, kind)
        self.assertEqual(StanzaError("conflict", kind="wait").kind, "wait")
