"""The interfaces of WIT as Python modules.

`from sat_sdk.bindings.acme.dice import events, types` is `acme:dice/events` and `acme:dice/types`:
types are classes, functions are functions (`async` as in WIT) that raise `SatError`. In a plugin
they call the host; in a test, a `sat_sdk.testing.Host`.
"""

from __future__ import annotations

import dataclasses
import enum
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Callable, Sequence

from . import wit
from .values import Checks

# Makes this module a package whose modules the finder below has.
__path__: list[str] = []
_PREFIX = __name__ + "."


class Backend:
    """Where classes come from and calls go to."""

    def interfaces(self) -> dict[str, wit.Interface]:
        """All interfaces that the plugin knows."""
        raise NotImplementedError

    def type(self, interface: wit.Interface, definition: wit.Definition) -> dict[str, Any]:
        """The classes of a type by their names; a variant has one for each case."""
        raise NotImplementedError

    def instance(self) -> object:
        """What lives as long as what the plugin remembers about its storage."""
        return self

    def prepare(self, interface: wit.Interface) -> None:
        """The plugin imports an interface, and may call it."""

    def call(self, interface: wit.Interface, function: wit.Function, args: list[Any]) -> Any:
        """Calls a function of the host or of another plugin; awaitable when it is async."""
        raise NotImplementedError


class Bindings:
    """The bindings of one world."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.interfaces = backend.interfaces()
        self.checks = Checks(self.interfaces, self.class_of)
        self._classes: dict[tuple[str, str], dict[str, Any]] = {}

    def classes(self, interface: wit.Interface, definition: wit.Definition) -> dict[str, Any]:
        """The classes of a type, made once."""
        key = (interface.name, definition.name)
        if key not in self._classes:
            if definition.kind == "type":
                self._classes[key] = self._alias(definition)
            else:
                self._classes[key] = self.backend.type(interface, definition)
        return self._classes[key]

    def _alias(self, definition: wit.Definition) -> dict[str, Any]:
        target = definition.parts[0][1]
        if not isinstance(target, wit.Named):
            return {}
        interface, found = wit.resolve(self.interfaces, target)
        return _renamed(self.classes(interface, found), found.name, definition.name)

    def class_of(self, interface: wit.Interface, name: str) -> Any:
        """The class of a record, an enum or a case."""
        for definition in interface.types.values():
            if name in (found := self.classes(interface, definition)):
                return found[name]
        raise wit.WitError(f"`{interface.name}` has no type `{name}`")

    def fill(self, module: ModuleType, interface: wit.Interface) -> None:
        """Puts what an interface has into its module."""
        module.__doc__ = interface.docs
        self.backend.prepare(interface)
        for definition in interface.types.values():
            vars(module).update(self.classes(interface, definition))
        for local in interface.uses:
            owner, definition = wit.resolve(self.interfaces, wit.Named(interface.name, local))
            found = self.classes(owner, definition)
            vars(module).update(_renamed(found, definition.name, local))
        for function in interface.functions.values():
            setattr(module, wit.snake(function.name), self._function(interface, function))

    def _function(self, interface: wit.Interface, function: wit.Function) -> Callable[..., Any]:
        names = [wit.snake(name) for name, _ in function.params]
        checks = [self.checks.of(ty) for _, ty in function.params]
        title = f"{interface.short}.{wit.snake(function.name)}"

        def arguments(args: tuple[Any, ...], named: dict[str, Any]) -> list[Any]:
            if len(args) + len(named) != len(names) or not named.keys() <= set(names[len(args) :]):
                raise TypeError(f"{title} takes ({', '.join(names)})")
            values = [*args, *(named[name] for name in names[len(args) :])]
            for name, check, value in zip(names, checks, values):
                check(value, name)
            return values

        async def call_async(*args: Any, **named: Any) -> Any:
            return await _bindings().backend.call(interface, function, arguments(args, named))

        def call(*args: Any, **named: Any) -> Any:
            return _bindings().backend.call(interface, function, arguments(args, named))

        made: Any = call_async if function.is_async else call
        made.__name__ = made.__qualname__ = wit.snake(function.name)
        made.__doc__ = function.docs
        return made


def _renamed(classes: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """The classes of a type under the name that another interface uses for it."""
    cut = len(wit.camel(old))
    return {wit.camel(new) + name[cut:]: cls for name, cls in classes.items()}


def native_type(interface: wit.Interface, definition: wit.Definition) -> dict[str, Any]:
    """The classes of a type as componentize-py makes them, for tests."""
    name = wit.camel(definition.name)
    origin = {"__doc__": definition.docs, "__module__": module_name(interface)}
    if definition.kind == "record":
        fields = [wit.snake(field) for field, _ in definition.parts]
        return {name: dataclasses.make_dataclass(name, fields, namespace=origin)}
    if definition.kind == "variant":
        return {
            (case_name := f"{name}_{wit.camel(case)}"): dataclasses.make_dataclass(
                case_name, [] if ty is None else ["value"], namespace=origin
            )
            for case, ty in definition.parts
        }
    cases = [wit.shout(case) for case, _ in definition.parts]
    if definition.kind == "enum":
        values: list[tuple[str, Any]] = [(case, number) for number, case in enumerate(cases)]
        return {name: enum.Enum(name, values, module=module_name(interface))}
    values = [(case, 1 << number) for number, case in enumerate(cases)]
    return {name: enum.Flag(name, values, module=module_name(interface))}


def module_name(interface: wit.Interface) -> str:
    """`sat_sdk.bindings.acme.dice.types` of `acme:dice/types`."""
    return _PREFIX + ".".join(map(wit.snake, interface.name.replace("/", ":").split(":")))


_current: Bindings | None = None


def use(backend: Backend) -> Bindings:
    """Makes the bindings come from this backend."""
    global _current
    for name in [name for name in sys.modules if name.startswith(_PREFIX)]:
        # Their classes were another backend's.
        del sys.modules[name]
    _current = Bindings(backend)
    return _current


def _bindings() -> Bindings:
    if _current is None:
        from . import testing

        return use(testing.NativeBackend())
    return _current


def current() -> Bindings:
    """The bindings of this plugin."""
    return _bindings()


def used() -> list[str]:
    """The interfaces that were imported so far: `sat:host/xmpp`."""
    loaded = {name for name in sys.modules if name.startswith(_PREFIX)}
    return [i.name for i in _bindings().interfaces.values() if module_name(i) in loaded]


class _Finder(MetaPathFinder, Loader):
    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not name.startswith(_PREFIX):
            return None
        names = {module_name(i): i for i in _bindings().interfaces.values()}
        if name in names:
            return ModuleSpec(name, self, loader_state=names[name])
        if any(known.startswith(name + ".") for known in names):
            return ModuleSpec(name, self, is_package=True)
        return None

    def exec_module(self, module: ModuleType) -> None:
        interface = module.__spec__.loader_state if module.__spec__ else None
        if interface is not None:
            _bindings().fill(module, interface)


sys.meta_path.append(_Finder())
