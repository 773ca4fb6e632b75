"""WIT as a plugin's package has it: interfaces with types and functions, read from text.

Only what a plugin can use is read; resources, streams and futures are refused with a sentence.
The compiler proper is componentize-py's: this reader serves the checks of values, the native
bindings for tests, and the questions that have to be asked before anything is compiled.
"""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, field
from typing import Any, Iterator

PRIMITIVES = frozenset("bool s8 s16 s32 s64 u8 u16 u32 u64 f32 f64 char string".split())
_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<doc>///[^\n]*)|(?P<comment>//[^\n]*|/\*.*?\*/)"
    r"|(?P<version>@[0-9][0-9A-Za-z.+-]*[0-9A-Za-z])|(?P<gate>@[a-z-]+\([^)]*\))"
    r"|(?P<arrow>->)|(?P<word>%?[A-Za-z][A-Za-z0-9-]*)|(?P<mark>[{}()<>,;:=./_*])",
    re.DOTALL,
)


class WitError(Exception):
    """What is wrong with a WIT text."""


@dataclass(frozen=True)
class Named:
    """A type that has a name, in the interface that it is used in."""

    interface: str
    name: str


@dataclass(frozen=True)
class Compound:
    """`list`, `option`, `result` or `tuple` of other types; None is the `_` of a result."""

    kind: str
    of: tuple["Type | None", ...]


Type = str | Named | Compound


@dataclass
class Definition:
    """A record, variant, enum, flags or alias."""

    kind: str
    name: str
    docs: str
    # Fields or cases; an alias has one without name.
    parts: list[tuple[str, Type | None]]


@dataclass
class Function:
    """A function of an interface."""

    name: str
    docs: str
    params: list[tuple[str, Type]]
    result: Type | None
    is_async: bool


@dataclass
class Interface:
    """An interface of a package."""

    package: str
    version: str
    short: str
    docs: str = ""
    types: dict[str, Definition] = field(default_factory=dict)
    # Local name of a type → the interface that has it, and its name there.
    uses: dict[str, Named] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """`sat:host/xmpp`."""
        return f"{self.package}/{self.short}"

    @property
    def full(self) -> str:
        """`sat:host/xmpp@0.1.0`, as worlds write it."""
        return f"{self.name}@{self.version}" if self.version else self.name


def snake(name: str) -> str:
    """The Python name of a function, parameter or field: `edited-at` → `edited_at`, `from` → `from_`."""
    name = name.replace("-", "_").lower()
    return name + "_" if keyword.iskeyword(name) else name


def camel(name: str) -> str:
    """The Python name of a type: `stanza-error` → `StanzaError`."""
    name = "".join(word[:1].upper() + word[1:].lower() for word in name.split("-"))
    return name + "_" if keyword.iskeyword(name) else name


def shout(name: str) -> str:
    """The Python name of a case of an enum: `carbon-sent` → `CARBON_SENT`."""
    return name.replace("-", "_").upper()


def parse(text: str) -> dict[str, Interface]:
    """The interfaces of all packages of a text, by their name without version."""
    return _Reader(text).read()


def resolve(interfaces: dict[str, Interface], named: Named) -> tuple[Interface, Definition]:
    """The definition of a named type, and the interface that has it."""
    seen = set()
    while named not in seen:
        seen.add(named)
        interface = interfaces.get(named.interface)
        if interface is None:
            raise WitError(f"nobody has the interface `{named.interface}`")
        if named.name in interface.types:
            return interface, interface.types[named.name]
        if named.name not in interface.uses:
            raise WitError(f"`{named.interface}` has no type `{named.name}`")
        named = interface.uses[named.name]
    raise WitError(f"`{named.interface}.{named.name}` is defined by itself")


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens = list(self._lex(text))
        self.at = 0
        self.docs = ""
        self.interfaces: dict[str, Interface] = {}

    @staticmethod
    def _lex(text: str) -> Iterator[tuple[str, str, int]]:
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            line = text.count("\n", 0, at) + 1
            if not found:
                raise WitError(f"line {line}: {text[at]!r} is no WIT")
            kind = str(found.lastgroup)
            if kind not in ("space", "comment", "gate"):
                yield kind, found.group(), line
            at = found.end()

    def peek(self) -> str:
        while self.at < len(self.tokens) and self.tokens[self.at][0] == "doc":
            self.docs += self.tokens[self.at][1][3:].removeprefix(" ") + "\n"
            self.at += 1
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def next(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def fail(self, what: str) -> WitError:
        line = self.tokens[min(self.at, len(self.tokens)) - 1][2] if self.tokens else 1
        return WitError(f"line {line}: {what}")

    def expect(self, *tokens: str) -> None:
        for token in tokens:
            found = self.next()
            if found != token:
                raise self.fail(f"expected `{token}`, found `{found}`")

    def accept(self, token: str) -> bool:
        if self.peek() == token:
            self.at += 1
            return True
        return False

    def word(self) -> str:
        token = self.next()
        if not re.fullmatch(r"%?[A-Za-z][A-Za-z0-9-]*", token):
            raise self.fail(f"expected a name, found `{token}`")
        return token.removeprefix("%")

    def take_docs(self) -> str:
        self.peek()
        docs, self.docs = self.docs.strip(), ""
        return docs

    def version(self) -> str:
        return self.next()[1:] if self.peek().startswith("@") else ""

    def read(self) -> dict[str, Interface]:
        package, version = "", ""
        while self.peek():
            docs = self.take_docs()
            match self.word():
                case "package":
                    name, number = self._package()
                    if self.accept("{"):
                        self._items(name, number)
                    else:
                        self.expect(";")
                        package, version = name, number
                case "interface":
                    self._interface(package, version, docs)
                case "world":
                    self._skip_block()
                case "use":
                    self._skip_line()
                case other:
                    raise self.fail(f"`{other}` is unknown here")
        return self.interfaces

    def _package(self) -> tuple[str, str]:
        namespace = self.word()
        self.expect(":")
        return f"{namespace}:{self.word()}", self.version()

    def _items(self, package: str, version: str) -> None:
        while not self.accept("}"):
            docs = self.take_docs()
            match self.word():
                case "interface":
                    self._interface(package, version, docs)
                case "world":
                    self._skip_block()
                case "use":
                    self._skip_line()
                case other:
                    raise self.fail(f"`{other}` is unknown in a package")

    def _skip_block(self) -> None:
        while self.next() not in ("{", ""):
            pass
        depth = 1
        while depth:
            token = self.next()
            if not token:
                raise self.fail("a `}` is missing")
            depth += {"{": 1, "}": -1}.get(token, 0)

    def _skip_line(self) -> None:
        while self.next() not in (";", ""):
            pass

    def _interface(self, package: str, version: str, docs: str) -> None:
        if not package:
            raise self.fail("the text begins with `package namespace:name@version;`")
        it = Interface(package, version, self.word(), docs)
        self.interfaces[it.name] = it
        self.expect("{")
        while not self.accept("}"):
            docs = self.take_docs()
            name = self.word()
            if name == "use":
                self._use(it)
            elif name in ("record", "variant", "enum", "flags"):
                local = self.word()
                self._add(it, Definition(name, local, docs, self._parts(it, name)))
            elif name == "type":
                local = self.word()
                self.expect("=")
                self._add(it, Definition("type", local, docs, [("", self._type(it))]))
                self.expect(";")
            elif name == "resource":
                raise self.fail(f"`{it.name}` has a resource: plugins exchange values only")
            else:
                self.expect(":")
                is_async = self.accept("async")
                self.expect("func")
                params = self._params(it)
                result = self._type(it) if self.accept("->") else None
                self.expect(";")
                it.functions[name] = Function(name, docs, params, result, is_async)

    def _add(self, it: Interface, definition: Definition) -> None:
        it.types[definition.name] = definition

    def _use(self, it: Interface) -> None:
        first = self.word()
        if self.accept(":"):
            package = f"{first}:{self.word()}"
            self.expect("/")
            source = f"{package}/{self.word()}"
            self.version()
        else:
            source = f"{it.package}/{first}"
        self.expect(".", "{")
        while not self.accept("}"):
            name = self.word()
            local = self.word() if self.accept("as") else name
            it.uses[local] = Named(source, name)
            self.accept(",")
        self.expect(";")

    def _parts(self, it: Interface, kind: str) -> list[tuple[str, Type | None]]:
        parts: list[tuple[str, Type | None]] = []
        self.expect("{")
        while not self.accept("}"):
            name, ty = self.word(), None
            if kind == "record":
                self.expect(":")
                ty = self._type(it)
            elif kind == "variant" and self.accept("("):
                ty = self._type(it)
                self.expect(")")
            parts.append((name, ty))
            self.accept(",")
            self.take_docs()
        return parts

    def _params(self, it: Interface) -> list[tuple[str, Type]]:
        params = []
        self.expect("(")
        while not self.accept(")"):
            name = self.word()
            self.expect(":")
            params.append((name, self._type(it)))
            self.accept(",")
        return params

    def _type(self, it: Interface) -> Type:
        name = self.next().removeprefix("%")
        if name in PRIMITIVES:
            return name
        if name in ("list", "option", "tuple"):
            return Compound(name, tuple(self._arguments(it)))
        if name == "result":
            of = self._arguments(it) if self.peek() == "<" else []
            ok, err = (*of, None, None)[:2]
            return Compound(name, (ok, err))
        if name in ("stream", "future", "own", "borrow", "error-context", "map"):
            raise self.fail(f"`{name}` can't be used: plugins exchange values only")
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", name):
            raise self.fail(f"expected a type, found `{name}`")
        return Named(it.name, name)

    def _arguments(self, it: Interface) -> list[Any]:
        self.expect("<")
        of: list[Any] = []
        while not self.accept(">"):
            of.append(None if self.accept("_") else self._type(it))
            self.accept(",")
        return of
