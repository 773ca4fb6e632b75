"""Whether Python values have the types that a WIT function wants.

A wrong value would end the instance without a word, since only the compiled side would notice it.
Checked here, it is a `TypeError` that names the path to the fault.
"""

from __future__ import annotations

from typing import Any, Callable

from . import wit

Check = Callable[[Any, str], None]

_BITS = {"8": 8, "16": 16, "32": 32, "64": 64}


def wrong(path: str, wanted: str, value: Any) -> TypeError:
    """`request.limit: expected an integer, found a str`."""
    return TypeError(f"{path}: expected {wanted}, found {_article(type(value).__name__)}")


def _article(name: str) -> str:
    return ("an " if name[:1].lower() in "aeiou" else "a ") + name


class Checks:
    """Makes the checks for the types of some interfaces, each once."""

    def __init__(
        self,
        interfaces: dict[str, wit.Interface],
        class_of: Callable[[wit.Interface, str], Any],
    ) -> None:
        self.interfaces = interfaces
        self.class_of = class_of
        self.made: dict[Any, Check] = {}

    def of(self, ty: wit.Type | None) -> Check:
        """The check for a type; None stands for no value."""
        if ty not in self.made:
            self.made[ty] = self._make(ty)
        return self.made[ty]

    def _make(self, ty: wit.Type | None) -> Check:
        if ty is None:
            return _nothing
        if isinstance(ty, str):
            return _primitive(ty)
        if isinstance(ty, wit.Compound):
            return self._compound(ty)
        interface, definition = wit.resolve(self.interfaces, ty)
        return getattr(self, f"_{definition.kind}")(interface, definition)

    def _compound(self, ty: wit.Compound) -> Check:
        if ty.kind == "list" and ty.of == ("u8",):
            return _bytes
        parts = [self.of(part) for part in ty.of]

        def check_list(value: Any, path: str) -> None:
            if not isinstance(value, list):
                raise wrong(path, "a list", value)
            for number, item in enumerate(value):
                parts[0](item, f"{path}[{number}]")

        def check_option(value: Any, path: str) -> None:
            if value is not None:
                parts[0](value, path)

        def check_tuple(value: Any, path: str) -> None:
            if not isinstance(value, tuple) or len(value) != len(parts):
                raise wrong(path, f"a tuple of {len(parts)}", value)
            for number, (check, item) in enumerate(zip(parts, value)):
                check(item, f"{path}[{number}]")

        def check_result(value: Any, path: str) -> None:
            name = type(value).__name__
            if name not in ("Ok", "Err"):
                raise wrong(path, "Ok(…) or Err(…)", value)
            parts[name == "Err"](value.value, path)

        return {
            "list": check_list,
            "option": check_option,
            "tuple": check_tuple,
            "result": check_result,
        }[ty.kind]

    def _type(self, interface: wit.Interface, definition: wit.Definition) -> Check:
        return self.of(definition.parts[0][1])

    def _record(self, interface: wit.Interface, definition: wit.Definition) -> Check:
        name = wit.camel(definition.name)
        cls = self.class_of(interface, name)
        fields = [(wit.snake(field), self.of(ty)) for field, ty in definition.parts]

        def check(value: Any, path: str) -> None:
            if not isinstance(value, cls):
                raise wrong(path, _article(name), value)
            for field, inner in fields:
                inner(getattr(value, field), f"{path}.{field}")

        return check

    def _variant(self, interface: wit.Interface, definition: wit.Definition) -> Check:
        name = wit.camel(definition.name)
        cases = {}
        for case, ty in definition.parts:
            cls = self.class_of(interface, f"{name}_{wit.camel(case)}")
            cases[cls] = None if ty is None else self.of(ty)

        def check(value: Any, path: str) -> None:
            if type(value) not in cases:
                raise wrong(path, " or ".join(c.__name__ for c in cases), value)
            inner = cases[type(value)]
            if inner is not None:
                inner(value.value, path)

        return check

    def _enum(self, interface: wit.Interface, definition: wit.Definition) -> Check:
        name = wit.camel(definition.name)
        cls = self.class_of(interface, name)

        def check(value: Any, path: str) -> None:
            if not isinstance(value, cls):
                raise wrong(path, _article(name), value)

        return check

    _flags = _enum


def _nothing(value: Any, path: str) -> None:
    if value is not None:
        raise wrong(path, "nothing", value)


def _bytes(value: Any, path: str) -> None:
    if not isinstance(value, bytes):
        raise wrong(path, "bytes", value)


def _string(value: Any, path: str) -> None:
    if not isinstance(value, str):
        raise wrong(path, "a str", value)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise TypeError(f"{path}: the str has half a character (a lone surrogate)") from None


def _char(value: Any, path: str) -> None:
    _string(value, path)
    if len(value) != 1:
        raise TypeError(f"{path}: expected one character, found {len(value)}")


def _bool(value: Any, path: str) -> None:
    if not isinstance(value, bool):
        raise wrong(path, "a bool", value)


def _float(value: Any, path: str) -> None:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise wrong(path, "a float", value)


def _primitive(name: str) -> Check:
    if name in ("string", "char", "bool"):
        return {"string": _string, "char": _char, "bool": _bool}[name]
    if name.startswith("f"):
        return _float
    bits = _BITS[name[1:]]
    low, high = (0, 1 << bits) if name[0] == "u" else (-(1 << bits - 1), 1 << bits - 1)

    def check(value: Any, path: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise wrong(path, "an int", value)
        if not low <= value < high:
            raise TypeError(f"{path}: {value} doesn't fit into `{name}`")

    return check
