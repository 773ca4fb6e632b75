"""`python -m sat_sdk`: new, check, test, build, info."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from . import builder, component, project, template
from .manifest import Manifest, ManifestError


def main() -> int:
    """Runs a command; the exit code is 1 when something is wrong with the plugin."""
    parser = argparse.ArgumentParser(prog="python -m sat_sdk", description="Plugins in Python")
    commands = parser.add_subparsers(dest="command", required=True)
    new = commands.add_parser("new", help="make a folder with a plugin to start from")
    new.add_argument("name", help="id of the plugin: lower-case words joined by hyphens")
    new.add_argument("--template", choices=template.NAMES, default="feature")
    new.add_argument("--namespace", default="acme", help="namespace of its features in WIT")
    check = commands.add_parser("check", help="check the plugin without compiling it")
    test = commands.add_parser("test", help="run its tests (unittest), without WebAssembly")
    build = commands.add_parser("build", help="build <id>.wasm")
    build.add_argument("-o", "--output", type=Path, help="file to write")
    for command in (check, test, build):
        command.add_argument("folder", nargs="?", type=Path, default=Path("."))
    info = commands.add_parser("info", help="show what a plugin file says of itself")
    info.add_argument("file", type=Path)
    arguments = parser.parse_args()
    try:
        return globals()[f"_{arguments.command}"](arguments)
    except (project.ProjectError, ManifestError, component.ComponentError, OSError) as error:
        print(f"sat_sdk: {error}", file=sys.stderr)
        return 1


def _new(arguments: argparse.Namespace) -> int:
    folder = template.write(Path.cwd(), arguments.name, arguments.template, arguments.namespace)
    print(f"{folder.name}/ is there. Next: python -m sat_sdk test {folder.name}")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    found = project.load(arguments.folder)
    print(f"{found.manifest.id} {found.manifest.data['version']}: in order")
    print("  hooks:   ", ", ".join(found.hooks) or "none")
    print("  offers:  ", ", ".join(found.features) or "nothing")
    print("  imports: ", ", ".join(found.imports))
    return 0


def _test(arguments: argparse.Namespace) -> int:
    folder = arguments.folder.resolve()
    project.load(folder)
    here = str(Path(__file__).parent.parent)
    paths = os.pathsep.join(filter(None, [here, str(folder), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "unittest", "discover", "-s", str(folder), "-t", str(folder)]
    return subprocess.run(command, cwd=folder, env=os.environ | {"PYTHONPATH": paths}).returncode


def _build(arguments: argparse.Namespace) -> int:
    start = time.monotonic()
    found = project.load(arguments.folder)
    out = builder.build(found, arguments.output)
    size = out.stat().st_size / (1 << 20)
    print(f"{out}: {size:.1f} MiB in {time.monotonic() - start:.0f} s")
    return 0


def _info(arguments: argparse.Namespace) -> int:
    data = arguments.file.read_bytes()
    sections = component.read(data)
    customs: dict[str, list[bytes]] = {}
    for name, content in component.customs(sections):
        customs.setdefault(name, []).append(content)
    for name in ("sat:manifest", "sat:wit"):
        if len(customs.get(name, [])) != 1:
            count = len(customs.get(name, []))
            raise component.ComponentError(
                f"the file has {count} sections {name}; a plugin has one"
            )
    manifest = Manifest(customs["sat:manifest"][0].decode("utf-8"))
    print(f"{manifest.id} {manifest.data['version']}: {manifest.data['summary']}")
    print(f"  size:    {len(data) / (1 << 20):.1f} MiB")
    for title, names in (
        ("imports", component.imports(sections)),
        ("exports", component.exports(sections)),
    ):
        for name in names:
            print(f"  {title}: {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
