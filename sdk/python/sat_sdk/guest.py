"""The plugin as a component: the module that componentize-py compiles calls `start` first.

Everything here runs once, while the component is built; what is left then is what an instance
starts with.
"""

from __future__ import annotations

import importlib
import logging
import sys
from types import ModuleType
from typing import Any, Callable

from . import bindings, dispatch, wit
from .errors import SatError, StanzaError
from .hooks import HOOKS, Verdict, registry


class _Wasm(bindings.Backend):
    """Calls through the modules that componentize-py generated."""

    def __init__(self, text: str) -> None:
        from componentize_py_types import Err

        self.err = Err
        self.known = wit.parse(text)
        self.modules: dict[str, ModuleType] = {}

    def interfaces(self) -> dict[str, wit.Interface]:
        return self.known

    def module(self, interface: wit.Interface) -> ModuleType:
        """The generated module of an interface, imported or exported."""
        name = flat(interface)
        if name not in self.modules:
            try:
                self.modules[name] = importlib.import_module(f"wit_world.imports.{name}")
            except ModuleNotFoundError:
                self.modules[name] = importlib.import_module(f"wit_world.exports.{name}")
        return self.modules[name]

    def type(self, interface: wit.Interface, definition: wit.Definition) -> dict[str, Any]:
        module = self.module(interface)
        name = wit.camel(definition.name)
        if definition.kind != "variant":
            return {name: getattr(module, name)}
        names = [f"{name}_{wit.camel(case)}" for case, _ in definition.parts]
        return {case: getattr(module, case) for case in names}

    def prepare(self, interface: wit.Interface) -> None:
        # Later there are no files to import from.
        if interface.functions:
            self.module(interface)

    def call(self, interface: wit.Interface, function: wit.Function, args: list[Any]) -> Any:
        target = getattr(self.modules[flat(interface)], wit.snake(function.name))
        return self.wait(target, args) if function.is_async else self.now(target, args)

    async def wait(self, target: Callable[..., Any], args: list[Any]) -> Any:
        try:
            return await target(*args)
        except self.err as error:
            raise SatError(error.value.code, error.value.message) from None

    def now(self, target: Callable[..., Any], args: list[Any]) -> Any:
        try:
            return target(*args)
        except self.err as error:
            raise SatError(error.value.code, error.value.message) from None


def flat(interface: wit.Interface) -> str:
    """The name of an interface's generated module: `sat_host_xmpp` of `sat:host/xmpp`."""
    return wit.snake(interface.name.replace(":", "-").replace("/", "-"))


def start(text: str) -> None:
    """Makes the bindings of this world, and sends logging to the plugin's log."""
    bindings.use(_Wasm(text))
    from . import log

    log.install()
    sys.stdout = log.Lines(logging.getLogger("stdout"), logging.INFO)
    sys.stderr = log.Lines(logging.getLogger("stderr"), logging.WARNING)
    _close_sockets()


def _close_sockets() -> None:
    """What would trap says so in Python instead."""
    import _socket
    import socket

    def refused(*args: Any, **named: Any) -> Any:
        raise PermissionError("plugins have no sockets: ask the host, as in sat_sdk.xmpp")

    for name in ("getaddrinfo", "gethostbyname", "gethostbyaddr", "getnameinfo", "gethostname"):
        for module in (socket, _socket):
            if hasattr(module, name):
                setattr(module, name, refused)
    socket.socket.__init__ = refused  # type: ignore[method-assign]


def exports(features: list[str]) -> dict[str, type]:
    """The classes that the component exports, after the plugin's module was imported."""
    known = bindings.current().interfaces
    classes = {}
    for hook in registry.names():
        interface = known[f"sat:plugin/{hook}"]
        found = {name: registry.hooks.get((hook, name)) for name in HOOKS[hook]}
        classes[_class_name(interface)] = _class(interface, found)
    for name in features:
        interface = known[name]
        classes[_class_name(interface)] = _class(interface, methods(interface))
    for interface in receivers(known):
        found = {f: registry.events.get(topic(interface, f)) for f in interface.functions}
        classes[_class_name(interface)] = _class(interface, found)
    return classes


def methods(interface: wit.Interface) -> dict[str, Callable[..., Any] | None]:
    """The plugin's functions for a feature interface."""
    found = {}
    for name in interface.functions:
        key = wit.snake(name)
        keys = [(interface.name, key), (None, key)]
        found[name] = next((registry.features[k] for k in keys if k in registry.features), None)
    return found


def topic(interface: wit.Interface, function: str) -> str:
    """The topic of an event or the name of a method: `chat.message`, `acme.weather.storm`."""
    namespace, package = interface.package.replace("-", "_").split(":")
    feature = package if namespace == "sat" else f"{namespace}.{package}"
    return f"{feature}.{function.replace('-', '_')}"


def receivers(known: dict[str, wit.Interface]) -> list[wit.Interface]:
    """The `events` interfaces of which the plugin receives something."""
    return [
        interface
        for interface in known.values()
        if interface.short == "events"
        and any(topic(interface, function) in registry.events for function in interface.functions)
    ]


def _class_name(interface: wit.Interface) -> str:
    return wit.camel(flat(interface).replace("_", "-"))


def _class(interface: wit.Interface, found: dict[str, Callable[..., Any] | None]) -> type:
    body: dict[str, Any] = {}
    for name, author in found.items():
        body[wit.snake(name)] = _method(interface, interface.functions[name], author)
    # What componentize-py generated has the entry points that run the methods as tasks.
    generated = importlib.import_module("wit_world.exports")
    name = _class_name(interface)
    return type(name, (getattr(generated, name),), body)


def _method(
    interface: wit.Interface, function: wit.Function, author: Callable[..., Any] | None
) -> Callable[..., Any]:
    from componentize_py_types import Err

    from . import log

    if author is None:
        # A call that this plugin has nothing for: an event or a change of the stream.
        async def nothing(self: Any, *args: Any) -> None:
            return None

        return nothing
    plugin_function = author
    wire = _wire_error(function)
    verdicts = dispatch.is_verdict(dispatch.ok_type(function)) and _verdicts()

    async def method(self: Any, *args: Any) -> Any:
        log.listening = True
        try:
            value = await dispatch.run(plugin_function, interface, function, list(args))
        except (SatError, StanzaError) as error:
            raise Err(wire(error)) from None
        return verdicts(value) if verdicts else value

    return method


def _verdicts() -> Callable[[Verdict], Any]:
    from .bindings.sat.plugin import filter_types as types

    return lambda v: (
        types.Verdict_Replace(v.stanza)
        if v.name == "Replace"
        else getattr(types, f"Verdict_{v.name}")()
    )


def _wire_error(function: wit.Function) -> Callable[[Any], Any]:
    from .bindings.sat.host import types

    if dispatch.error_name(function) == "stanza-error":
        return lambda e: types.StanzaError(e.condition, e.kind, e.text)
    return lambda e: types.Error(e.code, e.message)
