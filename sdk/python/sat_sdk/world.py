"""One WIT text from a plugin's own package and the packages that it refers to.

The Python side of `sdk/macros/src/wit.rs`: the same world, with one difference. Rust's linker
leaves out imports that aren't used; here the imports are those that the plugin's module imports.
"""

from __future__ import annotations

import re
from pathlib import Path

from . import wit

#: The SDK's copy of the contract and of the features of the project.
SDK_WIT = Path(__file__).parent / "contract"


def package(folder: Path) -> tuple[str, str]:
    """The `package …;` line of a folder's package, and everything else in its files."""
    header, body = None, []
    for path in sorted(folder.glob("*.wit")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.lstrip().startswith("package "):
                header = header or line.strip()
            else:
                body.append(line)
    if header is None:
        raise wit.WitError(f"{folder}: no file says `package …;`")
    return header, "\n".join(body) + "\n"


def own_package(folder: Path, plugin_id: str) -> tuple[str, str]:
    """The plugin's own package; one without interfaces when it has no `wit/`."""
    if folder.is_dir():
        return package(folder)
    return f"package sat-plugin:{plugin_id}@0.1.0;", ""


def available(root: Path | None) -> dict[str, wit.Interface]:
    """Every interface that a plugin in `root` can import, its own among them."""
    folders = [f for f in sorted(SDK_WIT.iterdir()) if f.is_dir()]
    if root is not None:
        deps = root / "wit" / "deps"
        folders += [f for f in sorted(deps.iterdir())] if deps.is_dir() else []
        folders += [root / "wit"] if (root / "wit").is_dir() else []
    found: dict[str, wit.Interface] = {}
    for folder in folders:
        header, body = package(folder)
        try:
            found |= wit.parse(f"{header}\n{body}")
        except wit.WitError as error:
            raise wit.WitError(f"{folder}: {error}") from None
    return found


def collect(folder: Path, plugin_id: str, imports: list[str], exports: list[str]) -> str:
    """The own package with its completed world, followed by every dependency as a nested package.

    `imports` and `exports` are full names of interfaces, which the world gets beside its own
    lines. Without a world, the own feature interface (which has the name of its package) is
    exported and the own `events` are imported.
    """
    header, body = own_package(folder, plugin_id)
    own = f"{header}\n{_with_world(header, body, imports, exports)}"
    packages: dict[str, str] = {}
    todo = _references(own)
    while todo:
        name = todo.pop()
        if name == package_name(header) or name in packages:
            continue
        short = name.split(":")[-1]
        candidates = [folder / "deps" / short, SDK_WIT / short]
        found = next((c for c in candidates if c.is_dir()), None)
        if found is None:
            raise wit.WitError(f"nobody has the package `{name}`: put it into wit/deps/{short}/")
        head, inner = package(found)
        todo += _references(inner)
        packages[name] = f"{head.rstrip(';')} {{\n{inner}\n}}\n"
    return own + "\n" + "\n".join(packages[name] for name in sorted(packages))


def compiled(text: str, imports: list[str]) -> str:
    """The text without the functions of those of the host's interfaces that aren't imported.

    `storage` uses a type of `xmpp`, which brings `xmpp` into the world; with its functions the
    plugin would be one that sends, and would need the permission for it.
    """
    start = text.index("package sat:host@") if "package sat:host@" in text else len(text)
    before, host = text[:start], text[start:]
    end = host.find("\npackage ", 1)
    host, behind = (host, "") if end < 0 else (host[:end], host[end:])
    kept = {name.split("@")[0] for name in imports}

    def block(found: re.Match[str]) -> str:
        if f"sat:host/{found[1]}" in kept:
            return found[0]
        return re.sub(r"%?[a-z][a-z0-9-]*:\s*(?:async\s+)?func\b[^;]*;", "", found[0])

    # An interface ends where a line begins with its brace.
    host = re.sub(r"^interface ([a-z-]+) \{.*?^\}", block, host, flags=re.MULTILINE | re.DOTALL)
    return before + host + behind


def _with_world(header: str, body: str, imports: list[str], exports: list[str]) -> str:
    has_world = re.search(r"^[ \t]*world[ \t]", body, re.MULTILINE)
    said = set(_words(body)) if has_world else set()
    lines = [f"  import {name};\n" for name in imports if f"{name};" not in said]
    lines += [f"  export {name};\n" for name in exports if f"{name};" not in said]
    if not has_world:
        feature = package_name(header).split(":")[-1]
        interfaces = wit.parse(f"{header}\n{body}").values()
        if any(i.short == feature for i in interfaces):
            lines.append(f"  export {feature};\n")
        if any(i.short == "events" for i in interfaces):
            lines.append("  import events;\n")
        return f"{body}\nworld plugin {{\n{''.join(lines)}}}\n"
    for word in _words(body):
        if word.startswith("sat:plugin/"):
            raise wit.WitError(
                f"the world says `{word}`: hooks are named by decorators instead, and what the "
                "module imports of the host is imported by itself"
            )
    opened = re.search(r"^[ \t]*world[ \t]+[^\n{]*\{[ \t]*\n", body, re.MULTILINE)
    if not opened:
        raise wit.WitError("write the world's `{` at the end of its first line")
    return body[: opened.end()] + "".join(lines) + body[opened.end() :]


def exported(header: str, body: str) -> list[str]:
    """The feature interfaces that the plugin offers: those of its world, or its own."""
    name = package_name(header)
    world = re.search(r"^[ \t]*world[ \t]+[^{]*\{([^}]*)\}", body, re.MULTILINE)
    if not world:
        own = f"{name}/{name.split(':')[-1]}"
        return [own] if own in wit.parse(f"{header}\n{body}") else []
    said = re.findall(r"^\s*export\s+%?([^;\s]+)\s*;", _uncommented(world[1]), re.MULTILINE)
    full = [word.split("@")[0] if "/" in word else f"{name}/{word}" for word in said]
    return [word for word in full if not word.endswith("/events")]


def world_name(body: str) -> str:
    """The name of the plugin's world."""
    found = re.search(r"^[ \t]*world[ \t]+%?([a-z0-9-]+)", body, re.MULTILINE)
    return found[1] if found else "plugin"


def package_name(header: str) -> str:
    """`sat:ping` of `package sat:ping@0.1.0;`."""
    return re.split(r"[@;]", header.removeprefix("package").strip())[0].strip()


def _references(text: str) -> list[str]:
    """Packages that a text refers to by `namespace:name/interface`."""
    words = [word.split("/")[0] for word in _words(text) if "/" in word]
    return [word for word in words if re.fullmatch(r"[A-Za-z0-9-]+:[A-Za-z0-9:-]+", word)]


def _words(text: str) -> list[str]:
    return _uncommented(text).split()


def _uncommented(text: str) -> str:
    return "\n".join(line.split("//")[0] for line in text.splitlines())
