"""Takes out of a component what plugins don't have: WASI's sockets, and the build's own entry.

CPython links sockets whether or not a program uses them, and the backend refuses plugins that
import them. Here the import goes, and each function that came from it becomes one that traps.

Everything in a component is known by its number, counted in the order of the file. So what goes
leaves a placeholder of its kind behind, and only two counts change: one core module and one core
instance, those of the trapping functions, come first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from . import component as c
from .component import Reader, Section

#: Packages of WASI that a plugin may import, as `wasi_allowed` in `host/src/plugin/linker.rs`.
ALLOWED = ("io", "cli", "clocks", "random", "filesystem")

#: The function by which componentize-py starts the interpreter while it builds.
_BUILD_EXPORT = "exports"

_CORE_FUNC = b"\x00\x00"
_BOOL = b"\x7f"
_NO_EXPORTS = b"\x01\x00"
_I32 = b"\x7f"


def denied(name: str) -> bool:
    """Whether an import is of WASI and not for plugins."""
    package = name.removeprefix("wasi:").split("/")[0]
    return name.startswith("wasi:") and package not in ALLOWED


def trim(data: bytes) -> bytes:
    """The component without what is denied."""
    sections = c.read(data)
    signatures = dict(_signatures(sections))
    stubs = _Stubs()
    body = list(_Trim(sections, signatures, stubs).sections())
    return c.write([*stubs.sections(), *body])


class _Stubs:
    """A core module of functions that trap, one for each signature."""

    def __init__(self) -> None:
        self.signatures: dict[bytes, str] = {}

    def alias(self, signature: bytes) -> bytes:
        """Defines the stub with this signature as the next core function."""
        name = self.signatures.setdefault(signature, str(len(self.signatures)))
        # Of core instance 0, which is the one made below.
        return _CORE_FUNC + b"\x01" + c.u32(0) + c.text(name)

    def sections(self) -> list[Section]:
        count = len(self.signatures)
        unreachable = b"\x00\x00\x0b"  # No locals, `unreachable`, `end`.
        parts = [
            (1, c.vector(self.signatures)),
            (3, c.vector(c.u32(i) for i in range(count))),
            (7, c.vector(c.text(n) + b"\x00" + c.u32(int(n)) for n in self.signatures.values())),
            (10, c.vector([c.u32(len(unreachable)) + unreachable] * count)),
        ]
        module = b"\0asm\x01\0\0\0" + b"".join(
            bytes([number]) + c.u32(len(data)) + data for number, data in parts
        )
        # `instantiate` of module 0 without arguments.
        instance = c.vector([b"\x00" + c.u32(0) + c.vector([])])
        return [Section(c.CORE_MODULE, module), Section(c.CORE_INSTANCE, instance)]


class _Trim:
    def __init__(
        self, sections: list[Section], signatures: dict[tuple[str, str], bytes], stubs: _Stubs
    ) -> None:
        self.source = sections
        self.signatures = signatures
        self.stubs = stubs
        # How many of each there are so far.
        self.instances = self.types = self.funcs = 0
        self.gone_instances: dict[int, str] = {}
        self.gone_types: set[int] = set()
        self.gone_funcs: dict[int, tuple[str, str]] = {}
        # The types of the denied imports, which stand before them.
        self.import_types = {
            index
            for section in sections
            if section.id == c.IMPORT
            for _, (name, sort, index) in Reader(section.data).items(c.read_import)
            if sort == c.SORT_INSTANCE and denied(name)
        }
        self.placeholder = self._placeholder()

    def sections(self) -> Iterator[Section]:
        rewrites = {
            c.CORE_INSTANCE: self._core_instances,
            c.INSTANCE: self._instances,
            c.ALIAS: self._aliases,
            c.CANON: self._canons,
            c.IMPORT: self._imports,
            c.EXPORT: self._exports,
        }
        for section in self.source:
            if section.id == c.TYPE:
                yield self._types(section)
                continue
            rewrite = rewrites.get(section.id)
            if rewrite is None:
                yield section
                continue
            # Items that stay of one kind stay in one section.
            kind, items = section.id, []
            for number, item in rewrite(Reader(section.data)):
                if number != kind and items:
                    yield Section(kind, c.vector(items))
                    items = []
                kind = number
                items.append(item)
            if items:
                yield Section(kind, c.vector(items))

    def _placeholder(self) -> bytes:
        """An alias of some function that stays, to stand for one that goes."""
        names = [
            name
            for section in self.source
            if section.id == c.IMPORT
            for _, (name, sort, _) in Reader(section.data).items(c.read_import)
            if sort == c.SORT_INSTANCE
        ]
        for section in self.source:
            if section.id == c.ALIAS:
                for data, (sort, target, index, _) in Reader(section.data).items(_read_alias):
                    if (sort, target) == (c.SORT_FUNC, 0) and index < len(names):
                        if not denied(names[index]):
                            return data
        raise c.ComponentError("the component uses no function of the host")

    def _imports(self, reader: Reader) -> Iterable[tuple[int, bytes]]:
        for data, (name, sort, _) in reader.items(c.read_import):
            if sort == c.SORT_INSTANCE and denied(name):
                self.gone_instances[self.instances] = name
                self.instances += 1
                yield c.INSTANCE, _NO_EXPORTS
                continue
            self.instances += sort == c.SORT_INSTANCE
            self.types += sort == c.SORT_TYPE
            self.funcs += sort == c.SORT_FUNC
            yield c.IMPORT, data

    def _exports(self, reader: Reader) -> Iterable[tuple[int, bytes]]:
        for data, (name, sort) in reader.items(c.read_export):
            self.instances += sort == c.SORT_INSTANCE
            self.types += sort == c.SORT_TYPE
            self.funcs += sort == c.SORT_FUNC
            if name == _BUILD_EXPORT:
                # An export counts as an instance of its own.
                yield c.INSTANCE, _NO_EXPORTS
            else:
                yield c.EXPORT, data

    def _instances(self, reader: Reader) -> Iterable[tuple[int, bytes]]:
        for data, _ in reader.items(_read_instance):
            self.instances += 1
            yield c.INSTANCE, data

    def _types(self, section: Section) -> Section:
        # Where a type ends can't be told without reading all of it, and needn't be: the linker
        # writes a section for each that is looked for here.
        count = Reader(section.data).u32()
        found = set(range(self.types, self.types + count))
        self.types += count
        if not self.import_types & found:
            return section
        if self.import_types >= found:
            return Section(c.TYPE, c.vector([_BOOL] * count))
        raise c.ComponentError("types in an order that the SDK doesn't know")

    def _aliases(self, reader: Reader) -> Iterable[tuple[int, bytes]]:
        for data, (sort, target, index, name) in reader.items(_read_alias):
            gone = target == 0 and index in self.gone_instances
            if sort == c.SORT_FUNC:
                if gone:
                    self.gone_funcs[self.funcs] = (self.gone_instances[index], name)
                self.funcs += 1
                yield c.ALIAS, self.placeholder if gone else data
            elif sort == c.SORT_TYPE:
                if gone:
                    self.gone_types.add(self.types)
                self.types += 1
                yield (c.TYPE, _BOOL) if gone else (c.ALIAS, data)
            elif target == 1:
                # `core export` of a core instance, which are one more now.
                yield c.ALIAS, data[:3] + c.u32(index + 1) + c.text(name)
            else:
                self.instances += sort == c.SORT_INSTANCE
                yield c.ALIAS, data

    def _canons(self, reader: Reader) -> Iterable[tuple[int, bytes]]:
        for data, (op, index) in reader.items(_read_canon):
            if op == _LIFT:
                self.funcs += 1
            if op == _LOWER and index in self.gone_funcs:
                interface, name = self.gone_funcs[index]
                key = (interface.split("@")[0], name)
                if key not in self.signatures:
                    raise c.ComponentError(f"no module says how {interface} {name} is called")
                yield c.ALIAS, self.stubs.alias(self.signatures[key])
            elif op == _RESOURCE_DROP and index in self.gone_types:
                yield c.ALIAS, self.stubs.alias(b"\x60" + c.vector([_I32]) + c.vector([]))
            else:
                yield c.CANON, data

    def _core_instances(self, reader: Reader) -> Iterable[tuple[int, bytes]]:
        for data, (module, arguments) in reader.items(_read_core_instance):
            if module is None:
                yield c.CORE_INSTANCE, data
                continue
            named = [c.text(name) + b"\x12" + c.u32(index + 1) for name, index in arguments]
            yield c.CORE_INSTANCE, b"\x00" + c.u32(module + 1) + c.vector(named)


def _read_instance(reader: Reader) -> None:
    if reader.byte() == 0:
        reader.u32()
        reader.items(lambda r: (r.name(), r.byte() or r.byte(), r.u32()))
    else:
        reader.items(lambda r: (c.read_name(r), r.byte() or r.byte(), r.u32()))


def _read_alias(reader: Reader) -> tuple[int, int, int, str]:
    """Sort, target (0 export, 1 core export, 2 outer), index of the instance, and name."""
    sort = reader.byte()
    if sort == 0:
        reader.byte()
    target = reader.byte()
    index = reader.u32()
    if target == 2:
        reader.u32()
        return sort, target, index, ""
    return sort, target, index, reader.name()


def _read_core_instance(reader: Reader) -> tuple[int | None, list[tuple[str, int]]]:
    """The module and its arguments, or neither for an instance made of single items."""
    if reader.byte() == 0:
        module = reader.u32()
        return module, [
            (n, i) for _, (n, _, i) in reader.items(lambda r: (r.name(), r.byte(), r.u32()))
        ]
    reader.items(lambda r: (r.name(), r.byte(), r.u32()))
    return None, []


_LIFT, _LOWER, _RESOURCE_DROP = 0, 1, 3
# What follows the opcode of each canonical function: `o` options, `n` a number, `b` a byte.
_CANONS = {
    0x00: "bno" "n", 0x01: "bno", 0x02: "n", 0x03: "n", 0x04: "n", 0x05: "", 0x06: "b",
    0x0A: "bn", 0x0B: "bn", 0x0C: "b", 0x0D: "", 0x0E: "n", 0x0F: "no", 0x10: "no", 0x11: "nb",
    0x12: "nb", 0x13: "n", 0x14: "n", 0x15: "n", 0x16: "no", 0x17: "no", 0x18: "nb", 0x19: "nb",
    0x1A: "n", 0x1B: "n", 0x1C: "o", 0x1D: "o", 0x1E: "", 0x1F: "", 0x20: "bn", 0x21: "bn",
    0x22: "", 0x23: "", 0x24: "", 0x25: "",
}  # fmt: skip
_WITH_INDEX = (3, 4, 5, 7, 8)


def _read_canon(reader: Reader) -> tuple[int, int]:
    """The opcode and its first number."""
    op = reader.byte()
    index = -1
    if op == 0x09:
        # `task.return`: a result, which is a value type or nothing, and options.
        if reader.byte() == 0:
            _read_value_type(reader)
        else:
            reader.byte()
        _read_options(reader)
        return op, index
    if op not in _CANONS:
        raise c.ComponentError(f"canonical function {op:#x}: this component is newer than the SDK")
    for part in _CANONS[op]:
        if part == "b":
            reader.byte()
        elif part == "o":
            _read_options(reader)
        else:
            number = reader.u32()
            index = number if index < 0 else index
    return op, index


def _read_value_type(reader: Reader) -> None:
    # A primitive is one negative byte; everything else an index.
    if not 0x64 <= reader.data[reader.at] <= 0x7F:
        reader.u32()
    else:
        reader.byte()


def _read_options(reader: Reader) -> None:
    for _ in range(reader.u32()):
        if reader.byte() in _WITH_INDEX:
            reader.u32()


def _signatures(sections: list[Section]) -> Iterator[tuple[tuple[str, str], bytes]]:
    """Interface and function → the core type by which the modules inside call it."""
    for section in sections:
        if section.id != c.CORE_MODULE:
            continue
        reader = Reader(section.data)
        reader.at = 8
        types: list[bytes] = []
        while reader.at < len(reader.data):
            number = reader.byte()
            part = Reader(reader.take(reader.u32()))
            if number == 1:
                types = [data for data, _ in part.items(_read_core_type)]
            elif number == 2:
                for _, (module, name, ty) in part.items(_read_core_import):
                    if ty is not None and denied(module):
                        yield (module.split("@")[0], name), types[ty]
            elif number > 2:
                break


def _read_core_type(reader: Reader) -> None:
    if reader.byte() != 0x60:
        raise c.ComponentError("a core type that is no function")
    reader.take(reader.u32())
    reader.take(reader.u32())


def _read_core_import(reader: Reader) -> tuple[str, str, int | None]:
    module, name, kind = reader.name(), reader.name(), reader.byte()
    if kind == 0:
        return module, name, reader.u32()
    if kind == 3:
        reader.take(2)
        return module, name, None
    if kind == 4:
        reader.byte()
        reader.u32()
        return module, name, None
    if kind == 1:
        reader.byte()
    if reader.byte() & 1:
        reader.u32()
    reader.u32()
    return module, name, None
