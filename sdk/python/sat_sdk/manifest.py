"""`plugin.toml`: the keys and the rules, with the sentences of the Rust SDK."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any, Callable, Iterable

#: Longest id of a plugin, in bytes.
MAX_ID = 40
#: Interfaces of `sat:host` that reach nothing but the plugin's own and need no permission.
FREE = ("features", "log", "settings")
#: The sections that declare stanzas, and their hooks.
DECLARED = {
    "iq": "iq-handler",
    "message": "message-handler",
    "presence": "presence-handler",
    "presence-filter": "presence-filter",
    "unwrap": "unwrap-filter",
    "decrypt": "decrypt-filter",
    "amend": "amend-filter",
    "compose": "compose-filter",
    "seal": "seal-filter",
}
_INCOMING = ("iq", "message", "unwrap", "decrypt", "amend")
_SENDERS = ("account", "server", "requested", "claimed-peer", "any")


class ManifestError(Exception):
    """What is wrong with a manifest, and where."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message if line is None else f"line {line}: {message}")
        self.line = line


# What a key may hold: a type, a tuple of words, a list with the kind of its entries, or a table.
_PAYLOAD = {"element!": str, "namespace!": str}
_DECLARATION = {
    "types": [str],
    "element": str,
    "namespace": str,
    "from": [_SENDERS],
    "with": [_PAYLOAD],
    "policy": ("pass", "block"),
}
_MANIFEST: dict[str, Any] = {
    "id!": str,
    "version!": str,
    "summary!": str,
    "authors": [str],
    "modes": [("client", "component")],
    "xeps": [{"number!": str, "version": str, "status": str, "note": str}],
    "features": [str],
    "identities": [{"category!": str, "kind!": str, "name": str}],
    "permissions": {"*": str},
    "http": {"hosts!": [str]},
    "settings": {
        "*": {"type!": ("bool", "integer", "string"), "default!": object, "label!": str},
    },
    "header": [{"field!": ("stamp", "stanza-ids"), **_PAYLOAD}],
    "event": [{"topic!": str, "where!": {"*": [str]}}],
    **{section: [_DECLARATION] for section in DECLARED},
}
_SETTING_TYPES = {"bool": bool, "integer": int, "string": str}


class Manifest:
    """A manifest that was read and checked."""

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self.data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ManifestError(str(error)) from None
        self._shape(self.data, _MANIFEST, "")
        self._rules()

    @property
    def id(self) -> str:
        """The plugin's id."""
        return self.data["id"]

    @property
    def permissions(self) -> dict[str, str]:
        """Interface or feature → why it is needed."""
        return self.data.get("permissions", {})

    @property
    def settings(self) -> dict[str, dict[str, Any]]:
        """What people can set."""
        return self.data.get("settings", {})

    def check_hooks(self, has: Callable[[str], bool]) -> None:
        """Compares the declarations with the hooks that the plugin has."""
        for section, hook in DECLARED.items():
            declared, decorator = bool(self.data.get(section)), hook.replace("-", "_")
            if declared and not has(hook):
                raise ManifestError(
                    f"[[{section}]] is declared, but the plugin has no {hook}: put "
                    f"`@{decorator}` before the function for it, or take the section out"
                )
            if has(hook) and not declared:
                raise ManifestError(
                    f"the plugin has a {hook}, but declares no [[{section}]], so it would never be "
                    f"called: declare which stanzas it wants, or take `@{decorator}` out"
                )

    def check_uses(self, uses: Iterable[str]) -> None:
        """Compares the permissions with what the plugin uses: `storage`, `chat`, `acme.weather`."""
        for used in uses:
            if used not in FREE and used not in self.permissions:
                key = json.dumps(used) if "." in used else used
                raise ManifestError(
                    f'the plugin uses `{used}` without permission: add `{key} = "why"` below '
                    "[permissions]"
                )
            if used == "http" and "http" not in self.data:
                raise ManifestError(
                    "the plugin uses `http` and doesn't say where: add [http] with hosts = "
                    '["example.org"]'
                )

    def _shape(self, value: Any, shape: Any, path: str) -> None:
        if isinstance(shape, tuple):
            if value not in shape:
                raise self._at(path, f"unknown variant `{value}`, expected {_either(shape)}")
        elif isinstance(shape, list):
            if not isinstance(value, list):
                raise self._at(path, f"`{path}` must be a list")
            for item in value:
                self._shape(item, shape[0], path)
        elif isinstance(shape, dict):
            self._table(value, shape, path)
        elif not isinstance(value, shape):
            name = {str: "a string"}.get(shape, shape.__name__)
            raise self._at(path, f"`{path}` must be {name}")

    def _table(self, value: Any, shape: dict[str, Any], path: str) -> None:
        if not isinstance(value, dict):
            raise self._at(path, f"`{path}` must be a table")
        if "*" in shape:
            for key, inner in value.items():
                self._shape(inner, shape["*"], f"{path}.{key}")
            return
        keys = {key.removesuffix("!"): inner for key, inner in shape.items()}
        for key, inner in value.items():
            if key not in keys:
                raise self._at(key, f"unknown field `{key}`, expected one of {_either(keys)}")
            self._shape(inner, keys[key], f"{path}.{key}" if path else key)
        for key in shape:
            if key.endswith("!") and key[:-1] not in value:
                raise self._at(path, f"missing field `{key[:-1]}`", default=1)

    def _rules(self) -> None:
        data = self.data
        if not valid_id(data["id"]):
            raise self._at("id", (
                f"`id` is {json.dumps(data['id'])}; it must be lower-case letters and digits, in "
                f"words joined by single hyphens, at most {MAX_ID}"
            ))  # fmt: skip
        if not re.fullmatch(r"\d{1,9}\.\d{1,9}\.\d{1,9}([-+].*)?", data["version"], re.ASCII):
            raise self._at("version", (
                f"`version` is {json.dumps(data['version'])}; it must be a semantic version such "
                'as "0.1.0"'
            ))  # fmt: skip
        if not data["summary"].strip() or "\n" in data["summary"]:
            raise self._at("summary", "`summary` must be one line of text for people")
        for section in _INCOMING:
            for number, declaration in enumerate(data.get(section, [])):
                where = f"[[{section}]] number {number + 1}"
                if not {"element", "namespace"} <= declaration.keys():
                    message = f"{where}: `element` and `namespace` are needed"
                    raise ManifestError(message, self._section(section, number))
                if not declaration.get("from"):
                    raise ManifestError(
                        f'{where}: `from` is needed, such as ["any"]; undeclared means nobody',
                        self._section(section, number),
                    )
        if "http" in data:
            if not data["http"]["hosts"]:
                message = '[http]: `hosts` names no host; write hosts = ["example.org"]'
                raise ManifestError(message, self._line(lambda line: line == "[http]"))
            for host in data["http"]["hosts"]:
                if host != "*" and not _is_host(host.removeprefix("*.")):
                    raise self._at("hosts", (
                        f'{json.dumps(host)} is no name of a host: write "example.org", '
                        '"*.example.org" for all names below it, or "*" for any, in lower case, '
                        'without scheme, port and path (international names as "xn--…")'
                    ))  # fmt: skip
        for name, setting in self.settings.items():
            wanted = _SETTING_TYPES[setting["type"]]
            # A bool is an int in Python, but not in TOML.
            if type(setting["default"]) is not wanted:
                shown = json.dumps(setting["default"], default=str)
                raise ManifestError(
                    f"settings.{name}: the default {shown} has another type",
                    self._line(lambda line: line == f"[settings.{name}]"),
                )

    def _at(self, path: str, message: str, default: int | None = None) -> ManifestError:
        key = path.split(".")[-1]
        found = self._line(lambda line: line.split("=")[0].strip().strip("\"'") == key)
        return ManifestError(
            message, found or self._line(lambda line: line.strip("[]") == path) or default
        )

    def _section(self, section: str, number: int) -> int | None:
        return self._line(lambda line: line.startswith(f"[[{section}]]"), number)

    def _line(self, fits: Callable[[str], bool], nth: int = 0) -> int | None:
        lines = self.text.split("\n")
        found = [number for number, line in enumerate(lines, 1) if fits(line.strip())]
        return found[nth] if nth < len(found) else None


def _either(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _is_host(text: str) -> bool:
    """Whether a text is a name and no address: the last label of those begins with a digit."""
    labels = text.split(".")
    return (
        len(text) <= 253
        and all(re.fullmatch(r"[a-z0-9_-]{1,63}", label) for label in labels)
        and labels[-1][0].isalpha()
    )


def valid_id(text: str) -> bool:
    """Whether a text can be a plugin's id."""
    return len(text) <= MAX_ID and bool(re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", text))
