"""A plugin's folder: `plugin.toml`, the module or package `plugin`, and `wit/`."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import wit, world
from .manifest import Manifest, ManifestError


class ProjectError(Exception):
    """What is wrong with a plugin, and what to do."""


@dataclass
class Project:
    """A plugin that was read, imported once, and checked."""

    folder: Path
    manifest: Manifest
    #: The WIT text with the completed world.
    text: str
    #: The world's name: `acme:dice/plugin`.
    world: str
    #: The feature interfaces that it offers.
    features: list[str]
    hooks: list[str]
    #: Full names of what it imports of the host and of other plugins.
    imports: list[str]


#: The name of each plugin's Python module.
MODULE = "plugin"


def load(folder: Path) -> Project:
    """Reads and checks the plugin of a folder.

    Raises ProjectError with a sentence that names the file.
    """
    folder = folder.resolve()
    path = folder / "plugin.toml"
    if not path.is_file():
        raise ProjectError(f"{path}: not there; a plugin needs this file")
    try:
        manifest = Manifest(path.read_text(encoding="utf-8"))
        found = _ask(folder, manifest)
        manifest.check_hooks(lambda hook: hook in found["hooks"])
        manifest.check_uses(found["uses"])
    except ManifestError as error:
        raise ProjectError(f"plugin.toml: {error}") from None
    try:
        header, body = world.own_package(folder / "wit", manifest.id)
        exports = found["exports"]
        text = world.collect(folder / "wit", manifest.id, found["imports"], exports)
        wit.parse(text)
    except wit.WitError as error:
        raise ProjectError(f"wit: {error}") from None
    name = f"{world.package_name(header)}/{world.world_name(body)}"
    imports = found["imports"]
    return Project(folder, manifest, text, name, found["features"], found["hooks"], imports)


def _ask(folder: Path, manifest: Manifest) -> dict[str, Any]:
    """Imports the plugin in a process of its own and returns what it has and uses."""
    if not any(p.exists() for p in (folder / f"{MODULE}.py", folder / MODULE / "__init__.py")):
        raise ProjectError(f"{folder / MODULE}.py: not there; a plugin is the module {MODULE}")
    command = [sys.executable, "-m", "sat_sdk.project", str(folder), manifest.id]
    here = str(Path(__file__).parent.parent)
    paths = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        command, cwd=folder, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True
    )
    if done.returncode:
        raise ProjectError(done.stderr.strip() or f"{MODULE}.py can't be imported")
    return json.loads(done.stdout.splitlines()[-1])


def _answer(folder: Path, plugin_id: str) -> dict[str, Any]:
    """What `_ask` asks for, in the process of its own."""
    from . import bindings, guest, hooks, testing

    sys.path.insert(0, str(folder))
    bindings.use(testing.NativeBackend(folder))
    importlib.import_module(MODULE)
    known = bindings.current().interfaces
    header, body = world.own_package(folder / "wit", plugin_id)
    own = world.package_name(header)
    features = world.exported(header, body)
    for name in features:
        if name not in known:
            raise ProjectError(f"wit: nobody has the interface `{name}`")
        _check_feature(known[name])
    _check_names(known, features)
    receivers = guest.receivers(known)
    used = [known[name] for name in {*bindings.used(), "sat:host/log"} if known[name].functions]
    others = [i for i in used if i.package not in ("sat:host", "sat:plugin", own)]
    imports = [i for i in used if i.package != "sat:plugin" and i.package != own]
    if "world " in body:
        imports += [i for i in used if i.package == own and i.short == "events"]
    for interface in others:
        if interface.short == "events":
            raise ProjectError(
                f"the plugin imports {interface.name}: only the plugin that offers them may emit "
                f'its events; to receive them, write @on_event("{_example(interface)}")'
            )
    return {
        "hooks": hooks.registry.names(),
        "features": features,
        "imports": sorted(i.full for i in imports),
        "exports": [known[f"sat:plugin/{h}"].full for h in hooks.registry.names()]
        + [i.full for i in receivers],
        "uses": sorted(
            [i.short for i in used if i.package == "sat:host"]
            + [guest.topic(i, "x").removesuffix(".x") for i in others]
        ),
    }


def _example(interface: wit.Interface) -> str:
    from . import guest

    return guest.topic(interface, next(iter(interface.functions)))


def _check_feature(interface: wit.Interface) -> None:
    """Whether each function of an interface has one of the plugin, with as many parameters."""
    from . import guest

    for name, author in guest.methods(interface).items():
        function = interface.functions[name]
        params = ", ".join(wit.snake(p) for p, _ in function.params)
        wanted = f"async def {wit.snake(name)}({params})"
        if author is None:
            raise ProjectError(
                f"`{interface.name}` has the function `{name}`, but the module has no `@feature` "
                f"for it: write `@feature` before `{wanted}`"
            )
        try:
            inspect.signature(author).bind(*function.params)
        except TypeError:
            raise ProjectError(
                f"{author.__qualname__} has other parameters than `{name}` of "
                f"`{interface.name}`: it must be `{wanted}`"
            ) from None


def _check_names(known: dict[str, wit.Interface], features: list[str]) -> None:
    """Whether each `@feature` and each `@on_event` is known to some WIT."""
    from . import guest, hooks

    for (interface, name), author in hooks.registry.features.items():
        functions = {
            wit.snake(f)
            for feature in features
            if interface in (None, feature)
            for f in known[feature].functions
        }
        if name not in functions:
            where = interface or " or ".join(features) or "its WIT, since there is none"
            raise ProjectError(
                f"{author.__qualname__} is a `@feature`, but there is no such function in {where}"
            )
    topics = {guest.topic(i, f) for i in known.values() if i.short == "events" for f in i.functions}
    for topic in hooks.registry.events:
        if topic not in topics:
            raise ProjectError(
                f'@on_event("{topic}"): no WIT here has this event; put that of its plugin into '
                "wit/deps/<feature>/"
            )


def _main(folder: str, plugin_id: str) -> int:
    try:
        print(json.dumps(_answer(Path(folder), plugin_id)))
    except (ProjectError, wit.WitError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    # This module is also imported under its own name, whose errors are the ones that are caught.
    from sat_sdk import project

    sys.exit(project._main(*sys.argv[1:]))
