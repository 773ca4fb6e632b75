"""The component's file: its sections, read and written.

A component is a sequence of sections; those of nested components and modules are inside of
theirs. Only the outermost level is looked at here.
(https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Iterable, Iterator

#: Magic, version 13, layer 1.
PREAMBLE = b"\0asm\x0d\0\x01\0"

CUSTOM, CORE_MODULE, CORE_INSTANCE = 0, 1, 2
COMPONENT, INSTANCE, ALIAS, TYPE, CANON = 4, 5, 6, 7, 8
IMPORT, EXPORT = 10, 11

#: The sorts of what a component imports or exports that are told apart here.
SORT_FUNC, SORT_TYPE, SORT_INSTANCE = 1, 3, 5


class ComponentError(Exception):
    """A file that is no component, or has what this module can't read."""


@dataclass(frozen=True)
class Section:
    """A section of the outermost level."""

    id: int
    data: bytes


class Reader:
    """Reads the pieces of a section."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def byte(self) -> int:
        self.at += 1
        if self.at > len(self.data):
            raise ComponentError("the file ends too early")
        return self.data[self.at - 1]

    def u32(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 28 + 7:
                raise ComponentError("a number is too long")

    def take(self, size: int) -> bytes:
        self.at += size
        if self.at > len(self.data):
            raise ComponentError("the file ends too early")
        return self.data[self.at - size : self.at]

    def name(self) -> str:
        return self.take(self.u32()).decode("utf-8")

    def items(self, read: Callable[["Reader"], Any]) -> list[tuple[bytes, Any]]:
        """Each item of a list: its bytes, and what was read."""
        found = []
        for _ in range(self.u32()):
            start = self.at
            value = read(self)
            found.append((self.data[start : self.at], value))
        return found


def u32(value: int) -> bytes:
    """A number in LEB128."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def text(value: str) -> bytes:
    """A name: its length in bytes, and UTF-8."""
    data = value.encode("utf-8")
    return u32(len(data)) + data


def vector(items: Iterable[bytes]) -> bytes:
    """A list: how many, and one after the other."""
    items = list(items)
    return u32(len(items)) + b"".join(items)


def read(data: bytes) -> list[Section]:
    """The sections of a component."""
    if data[:8] != PREAMBLE:
        raise ComponentError("this is no WebAssembly component")
    reader = Reader(data)
    reader.at = 8
    sections = []
    while reader.at < len(data):
        number = reader.byte()
        sections.append(Section(number, reader.take(reader.u32())))
    return sections


def write(sections: Iterable[Section]) -> bytes:
    """The component of these sections."""
    return PREAMBLE + b"".join(bytes([s.id]) + u32(len(s.data)) + s.data for s in sections)


def custom(name: str, content: str) -> Section:
    """A custom section."""
    return Section(CUSTOM, text(name) + content.encode("utf-8"))


def customs(sections: Iterable[Section]) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the custom sections."""
    for section in sections:
        if section.id == CUSTOM:
            reader = Reader(section.data)
            yield reader.name(), section.data[reader.at :]


def read_name(reader: Reader) -> str:
    """The name of an import or export."""
    if reader.byte() > 1:
        raise ComponentError("a name with options: this component is newer than the SDK")
    return reader.name()


def read_import(reader: Reader) -> tuple[str, int, int]:
    """Name, sort and index of the type."""
    return read_name(reader), *_read_description(reader)


def _read_description(reader: Reader) -> tuple[int, int]:
    sort = reader.byte()
    if sort == 0:
        reader.byte()
    if sort in (2, SORT_TYPE) and reader.byte() == 1 and sort == SORT_TYPE:
        # `(sub resource)` has no index.
        return sort, -1
    return sort, reader.u32()


def read_export(reader: Reader) -> tuple[str, int]:
    """Name and sort."""
    name = read_name(reader)
    sort = reader.byte()
    if sort == 0:
        reader.byte()
    reader.u32()
    if reader.byte() == 1:
        _read_description(reader)
    return name, sort


def imports(sections: Iterable[Section]) -> list[str]:
    """The names of what a component imports."""
    return [i[0] for s in sections if s.id == IMPORT for _, i in Reader(s.data).items(read_import)]


def exports(sections: Iterable[Section]) -> list[str]:
    """The names of what a component exports."""
    return [e[0] for s in sections if s.id == EXPORT for _, e in Reader(s.data).items(read_export)]
