"""A host for tests: everything that a plugin can ask, in memory, in an ordinary program.

```python
class Dice(unittest.TestCase):
    def test_roll(self):
        host = Host()
        roll = host.call("acme.dice.roll", dice="2d6")
        self.assertEqual(host.events, [("acme.dice.rolled", roll)])
```

It follows the contract where tests look: what is stored is there, SQL runs in SQLite and reaches
the plugin's tables only, what isn't declared as a permission is `forbidden`. Limits of size and
time, routing and other plugins are the backend's; try those with a real one.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import sqlite3
from pathlib import Path
from typing import Any, Callable, Iterator

from . import bindings, dispatch, guest, wit, world
from .errors import SatError, StanzaError
from .hooks import HOOKS, registry
from .manifest import FREE, Manifest


def plugin_folder(start: Path | None = None) -> Path | None:
    """The folder with the `plugin.toml`: this one or one above."""
    start = (start or Path.cwd()).resolve()
    return next((p for p in (start, *start.parents) if (p / "plugin.toml").is_file()), None)


class NativeBackend(bindings.Backend):
    """Classes as componentize-py makes them, and calls that go to the test's host."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or plugin_folder()
        self.host: Host | None = None

    def interfaces(self) -> dict[str, wit.Interface]:
        return world.available(self.folder)

    def type(self, interface: wit.Interface, definition: wit.Definition) -> dict[str, Any]:
        return bindings.native_type(interface, definition)

    def instance(self) -> object:
        return self.host

    def call(self, interface: wit.Interface, function: wit.Function, args: list[Any]) -> Any:
        if self.host is None:
            raise RuntimeError(
                f"`{interface.short}.{wit.snake(function.name)}` needs a host: make a "
                "`sat_sdk.testing.Host()` in the test"
            )
        return self.host._imported(interface, function, args)


def header(**fields: Any) -> Any:
    """A header for handlers; what isn't given is that of a chat message of a contact, now."""
    from . import datetime
    from .bindings.sat.host import types

    defaults: dict[str, Any] = {
        "id": "m1",
        "from_": "romeo@montague.lit/orchard",
        "to": "juliet@capulet.lit",
        "kind": "chat",
        "peer_kind": types.PeerKind.CONTACT,
        "via": types.Via.LIVE,
        "stamp": datetime.now(),
        "stanza_ids": [],
    }
    return types.Header(**(defaults | fields))


class Host:
    """The host of one profile. The plugin of this folder talks to the last one that was made."""

    def __init__(self, folder: str | Path | None = None) -> None:
        backend = bindings.current().backend
        if not isinstance(backend, NativeBackend):
            raise RuntimeError("sat_sdk.testing works outside of plugins only")
        root = Path(folder) if folder else backend.folder
        if root is None:
            raise RuntimeError("no plugin.toml here or above: say Host(folder)")
        backend.host = self
        self.manifest = Manifest((root / "plugin.toml").read_text(encoding="utf-8"))
        #: What the plugin has sent now: stanzas as text.
        self.sent: list[str] = []
        #: What it has put into the outbox.
        self.outbox: list[str] = []
        #: What it has asked: IqRequest.
        self.asked: list[Any] = []
        #: Answers its questions: gets an IqRequest, returns the payload or raises SatError.
        self.answer: Callable[[Any], str] = _nobody
        #: Topics and records, in the order in which they were emitted.
        self.events: list[tuple[str, Any]] = []
        #: Values of settings that differ from the manifest's defaults.
        self.settings: dict[str, Any] = {}
        #: What it has set beyond its manifest's features.
        self.features: list[str] = []
        #: JID → kind, as it has claimed them.
        self.peers: dict[str, Any] = {}
        #: What it has handed to `deliver`.
        self.delivered: list[Any] = []
        #: Other plugins: `{"sat:disco/disco": {"has": function}}`.
        self.plugins: dict[str, dict[str, Callable[..., Any]]] = {}
        #: Timers that are set, by their names.
        self.timers: dict[str, Any] = {}
        #: Answers its requests to the web: gets a Request, returns a Response or raises SatError.
        self.web: Callable[[Any], Any] = _no_web
        self.account = "juliet@capulet.lit"
        #: The stream; None when there is none.
        self.bound: str | None = "juliet@capulet.lit/balcony"
        self.secrets: dict[str, bytes] = {}
        self.keys: dict[str, bytes] = {}
        self.db = _database(self.manifest.id)
        self._ids = 0

    # What the backend calls.

    def call(self, method: str, **params: Any) -> Any:
        """Calls a method of the plugin by the name that frontends use: `acme.dice.roll`."""
        for interface in bindings.current().interfaces.values():
            for name, function in interface.functions.items():
                if interface.short == interface.package.split(":")[1] and (
                    guest.topic(interface, name) == method
                ):
                    author = guest.methods(interface)[name]
                    if author is None:
                        raise SatError("no-provider", f"nothing is @feature for {method}")
                    return self._run(author, interface, function, _arguments(function, params))
        raise SatError("not-found", f"there is no method {method}")

    def event(self, topic: str, record: Any) -> None:
        """Tells the plugin of another plugin's event."""
        if topic not in registry.events:
            raise LookupError(f"the plugin has no @on_event({topic!r})")
        for interface in guest.receivers(bindings.current().interfaces):
            for name, function in interface.functions.items():
                if guest.topic(interface, name) == topic:
                    self._run(registry.events[topic], interface, function, [record])
                    return
        raise LookupError(f"no WIT here has the event {topic!r}")

    def hook(self, hook: str, *args: Any, function: str | None = None) -> Any:
        """Calls a hook by its name in the contract: `hook("amend-filter", header, stanza)`."""
        name = function or HOOKS[hook][0]
        author = registry.hooks.get((hook, name))
        if author is None:
            raise LookupError(f"the plugin has no {name} of {hook}")
        interface = bindings.current().interfaces[f"sat:plugin/{hook}"]
        return self._run(author, interface, interface.functions[name], list(args))

    def message(self, *payloads: str, **fields: Any) -> None:
        """A message for the `message_handler`; the fields are those of its header."""
        self.hook("message-handler", header(**fields), list(payloads))

    def iq(self, payload: str, **fields: Any) -> str | None:
        """An IQ for the `iq_handler`. Returns the answer's payload, or raises StanzaError."""
        return self.hook("iq-handler", header(**({"kind": "get"} | fields)), payload)

    def connected(self, resumed: bool = False) -> None:
        """The stream is there."""
        self.hook("lifecycle", resumed, function="connected")

    def timer(self, name: str) -> None:
        """A timer's time has come. It's gone when the handler has returned."""
        self.hook("timer-handler", self.timers[name])
        del self.timers[name]

    def _run(
        self,
        author: Callable[..., Any],
        interface: wit.Interface,
        function: wit.Function,
        args: list[Any],
    ) -> Any:
        checks = bindings.current().checks
        for (name, ty), value in zip(function.params, args, strict=True):
            checks.of(ty)(value, wit.snake(name))
        return asyncio.run(dispatch.run(author, interface, function, args))

    # What the plugin calls.

    def _imported(self, interface: wit.Interface, function: wit.Function, args: list[Any]) -> Any:
        if function.is_async:
            return self._later(interface, function, args)
        return self._now(interface, function, args)

    async def _later(
        self, interface: wit.Interface, function: wit.Function, args: list[Any]
    ) -> Any:
        # Others go on here, as they may while the real host works.
        await asyncio.sleep(0)
        answer = self._now(interface, function, args)
        if inspect.isawaitable(answer):
            answer = await answer
        where = f"the host's {interface.short}.{wit.snake(function.name)}"
        bindings.current().checks.of(dispatch.ok_type(function))(answer, where)
        return answer

    def _now(self, interface: wit.Interface, function: wit.Function, args: list[Any]) -> Any:
        name = wit.snake(function.name)
        if interface.package == "sat:host":
            if interface.short not in (*FREE, *self.manifest.permissions):
                self.manifest.check_uses([interface.short])
            return getattr(self, f"_{interface.short}_{name}")(*args)
        if interface.short == "events":
            self.events.append((guest.topic(interface, name), *args))
            return None
        provider = self.plugins.get(interface.name, {})
        if name not in provider:
            raise SatError("no-provider", f"No plugin offers {interface.name}")
        return provider[name](*args)

    def _id(self) -> str:
        self._ids += 1
        return f"id-{self._ids}"

    def _xmpp_send(self, request: Any) -> str:
        if request.durable:
            self.outbox.append(request.stanza)
        elif self.bound is None:
            raise SatError("not-connected", "There is no stream")
        else:
            self.sent.append(request.stanza)
        return self._id()

    def _xmpp_iq(self, request: Any) -> Any:
        self.asked.append(request)
        if self.bound is None:
            raise SatError("not-connected", "There is no stream")
        return self.answer(request)

    def _xmpp_account(self) -> str:
        return self.account

    def _xmpp_bound(self) -> str | None:
        return self.bound

    def _xmpp_stream_features(self) -> str | None:
        return (
            None if self.bound is None else "<features xmlns='http://etherx.jabber.org/streams'/>"
        )

    def _deliver_deliver(self, messages: list[Any]) -> None:
        self.delivered += messages

    def _features_set(self, features: list[str]) -> None:
        self.features = features

    def _features_all(self) -> Any:
        from .bindings.sat.host import features

        data = self.manifest.data
        identities = [
            features.Identity(i["category"], i["kind"], i.get("name"))
            for i in data.get("identities", [])
        ]
        names = sorted({*data.get("features", []), *self.features})
        return features.FeatureSet(identities, names)

    def _peers_claim(self, claims: list[Any]) -> None:
        self.peers |= {claim.jid: claim.kind for claim in claims}

    def _peers_release(self, jids: list[str]) -> None:
        for jid in jids:
            self.peers.pop(jid, None)

    def _settings_get(self, name: str) -> Any:
        from .bindings.sat.host.types import Json

        declared = self.manifest.settings.get(name)
        if declared is None:
            return None
        return Json(json.dumps(self.settings.get(name, declared["default"])))

    def _log_write(self, level: Any, message: str) -> None:
        print(f"[{level.name}] {message}")

    def _timers_set(self, timer: Any) -> None:
        self.timers[timer.name] = timer

    def _timers_cancel(self, name: str) -> bool:
        return self.timers.pop(name, None) is not None

    def _timers_list(self, after: str | None, limit: int) -> list[Any]:
        found = sorted(self.timers.values(), key=lambda timer: (timer.at, timer.name))
        if after is not None:
            names = [timer.name for timer in found]
            if after not in names:
                raise SatError("not-found", f"There is no timer {after}")
            found = found[names.index(after) + 1 :]
        return found[:limit]

    def _http_fetch(self, request: Any) -> Any:
        return self.web(request)

    def _secrets_get(self, name: str) -> bytes | None:
        return self.secrets.get(name)

    def _secrets_set(self, name: str, value: bytes) -> None:
        self.secrets[name] = value

    def _secrets_delete(self, name: str) -> bool:
        return self.secrets.pop(name, None) is not None

    def _storage_get(self, key: str) -> bytes | None:
        return self.keys.get(key)

    def _storage_set(self, key: str, value: bytes) -> None:
        self.keys[key] = value

    def _storage_delete(self, key: str) -> bool:
        return self.keys.pop(key, None) is not None

    def _storage_keys(self, prefix: str, after: str | None, limit: int) -> list[str]:
        found = sorted(k for k in self.keys if k.startswith(prefix) and k > (after or ""))
        return found[:limit]

    def _storage_query(self, request: Any) -> Any:
        with _sql_errors(self.db):
            rows = self._statement(request)
            if self.db.in_transaction:
                raise sqlite3.OperationalError("a query only reads; use run or commit")
            return rows

    def _storage_commit(self, request: Any) -> Any:
        from .bindings.sat.host import storage

        with _sql_errors(self.db):
            self.db.execute("BEGIN")
            results = [self._statement(s) for s in request.statements]
            self.db.commit()
        return storage.Committed(results, [self._xmpp_send(o) for o in request.send])

    def _statement(self, statement: Any) -> Any:
        from .bindings.sat.host import storage

        params = [getattr(p, "value", None) for p in statement.params]
        found = self.db.execute(statement.sql, params)
        values = [[_value(v) for v in row] for row in found.fetchall()]
        columns = [c[0] for c in found.description or []]
        return storage.Rows(columns, values, max(found.rowcount, 0), found.lastrowid or 0)


def _nobody(request: Any) -> str:
    raise SatError("service-unavailable", f"the test has no Host.answer for {request.payload}")


def _no_web(request: Any) -> Any:
    raise SatError("connection-failed", f"the test has no Host.web for {request.url}")


def _arguments(function: wit.Function, params: dict[str, Any]) -> list[Any]:
    """Parameters by name, as frontends give them; the fields of a single `request` record are too."""
    known = bindings.current().interfaces
    if [name for name, _ in function.params] == ["request"] and "request" not in params:
        ty = function.params[0][1]
        if isinstance(ty, wit.Named):
            interface, definition = wit.resolve(known, ty)
            record = bindings.current().class_of(interface, wit.camel(definition.name))
            return [record(**_by_name(definition.parts, params))]
    return list(_by_name(function.params, params).values())


def _by_name(parts: list[Any], params: dict[str, Any]) -> dict[str, Any]:
    names = [wit.snake(name) for name, _ in parts]
    if unknown := params.keys() - set(names):
        raise TypeError(f"{unknown.pop()} is no parameter; they are {', '.join(names)}")
    return {name: params.get(name) for name in names}


def _value(value: Any) -> Any:
    from .bindings.sat.host import storage

    kinds = {int: storage.Value_Integer, float: storage.Value_Real, str: storage.Value_Text}
    if value is None:
        return storage.Value_Null()
    return kinds.get(type(value), storage.Value_Blob)(value)


@contextlib.contextmanager
def _sql_errors(db: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise SatError("sql-error", str(error)) from None
    finally:
        if db.in_transaction:
            db.rollback()


def _database(plugin_id: str) -> sqlite3.Connection:
    """A database in memory where only the plugin's tables can be named."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    prefix = plugin_id.replace("-", "_") + "__"
    tables = (
        sqlite3.SQLITE_CREATE_TABLE, sqlite3.SQLITE_DROP_TABLE, sqlite3.SQLITE_READ,
        sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE,
        sqlite3.SQLITE_CREATE_VTABLE,
    )  # fmt: skip
    denied = (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_PRAGMA)

    def authorize(action: int, first: str | None, second: Any, base: Any, inner: Any) -> int:
        name = first or ""
        fits = name.startswith((prefix, "sqlite_", "json_", "pragma_")) or not name
        refused = action in denied or (action in tables and not fits)
        return sqlite3.SQLITE_DENY if refused else sqlite3.SQLITE_OK

    db.set_authorizer(authorize)
    return db


__all__ = ["Host", "NativeBackend", "SatError", "StanzaError", "header", "plugin_folder"]
