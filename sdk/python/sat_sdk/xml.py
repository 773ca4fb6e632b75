"""XML as text and as trees of the standard library's ElementTree.

ElementTree writes a name with its namespace in braces: `{jabber:client}body`.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any
from xml.etree.ElementTree import Element

from .errors import SatError

__all__ = ["MAX_DEPTH", "Element", "attribute", "escape", "name", "parse", "text", "to_text"]

#: Deepest nesting that `parse` takes, as the host's own limit for stanzas.
MAX_DEPTH = 64

_ESCAPES = {
    ord("&"): "&amp;",
    ord("<"): "&lt;",
    ord(">"): "&gt;",
    ord('"'): "&quot;",
    ord("'"): "&apos;",
    # XML 1.0 §2.2 has no other control characters, not even escaped.
    **{c: "\ufffd" for c in range(32) if chr(c) not in "\t\n\r"},
    0xFFFE: "\ufffd",
    0xFFFF: "\ufffd",
    **{c: "\ufffd" for c in range(0xD800, 0xE000)},
}


def escape(text: str) -> str:
    """Escapes text for use in XML content and in attribute values of either quote."""
    return text.translate(_ESCAPES)


class _Builder(ET.TreeBuilder):
    """Builds a tree of at most MAX_DEPTH levels."""

    depth = 0

    def start(self, tag: Any, attrs: Any) -> Any:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise SatError("bad-xml", f"the XML is nested more than {MAX_DEPTH} deep (MAX_DEPTH)")
        return super().start(tag, attrs)

    def end(self, tag: Any) -> Any:
        self.depth -= 1
        return super().end(tag)

    def doctype(self, name: Any, pubid: Any, system: Any) -> None:
        # Entities can grow without bounds, and XMPP has none (RFC 6120 §11.1).
        raise SatError("bad-xml", "the XML has a document type, which XMPP forbids")


def parse(text: str) -> Element:
    """Reads one element. `bad-xml` for what is no XML, has a DTD or is too deep."""
    parser = ET.XMLParser(target=_Builder())
    try:
        parser.feed(text)
        return parser.close()
    except ET.ParseError as error:
        raise SatError("bad-xml", str(error)) from None


def to_text(element: Element) -> str:
    """Writes an element."""
    return ET.tostring(element, encoding="unicode")


def name(payload: str) -> str:
    """The name of an element given as text: `body` of `<body xmlns='jabber:client'>Hi</body>`.

    Reads the beginning only. It is quick, and meant for telling payloads apart.
    """
    rest = payload.lstrip()
    if not rest.startswith("<"):
        return ""
    for end, c in enumerate(rest):
        if c.isspace() or c in ">/":
            return rest[1:end]
    return rest[1:]


def text(payload: str) -> str:
    """The text of an element given as text, without that of elements in it."""
    element = parse(payload)
    return (element.text or "") + "".join(child.tail or "" for child in element)


def attribute(payload: str, name: str) -> str | None:
    """The value of an attribute of an element given as text."""
    return parse(payload).get(name)
