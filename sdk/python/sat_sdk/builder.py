"""From a plugin's folder to `<id>.wasm`."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from . import component, guest, trim, wit, world
from .project import Project, ProjectError

#: The version of componentize-py whose components the SDK knows.
COMPONENTIZE = "0.25.1"
#: Largest plugin file that the backend takes: `FILE` in `host/src/plugin/engine.rs`.
MAX_FILE = 32 << 20
#: Modules of the SDK that a plugin doesn't need.
_TOOLS = ("__main__.py", "builder.py", "component.py", "manifest.py", "project.py", "template.py",
          "testing.py", "trim.py", "world.py", "contract", "__pycache__")  # fmt: skip

_GLUE = '''"""What componentize-py compiles."""

from sat_sdk import guest

guest.start({text!r})

import plugin  # noqa: E402,F401

globals().update(guest.exports({features!r}))
'''


def build(project: Project, out: Path | None = None, quiet: bool = False) -> Path:
    """Builds the plugin, and returns its file."""
    _check_tool()
    out = out or project.folder / f"{project.manifest.id}.wasm"
    with tempfile.TemporaryDirectory(prefix="sat-sdk-") as temporary:
        work = Path(temporary)
        _stage(project, work / "app")
        (work / "wit").mkdir()
        (work / "wit" / "plugin.wit").write_text(
            world.compiled(project.text, project.imports), encoding="utf-8"
        )
        raw = work / "raw.wasm"
        _componentize(project, work, raw, quiet)
        data = finish(raw.read_bytes(), project)
    if len(data) > MAX_FILE:
        raise ProjectError(
            f"the plugin has {len(data) >> 20} MiB, and the backend takes {MAX_FILE >> 20}: import "
            "less"
        )
    # Whole or not at all: a backend may watch the folder.
    part = out.with_suffix(".part")
    part.write_bytes(data)
    part.replace(out)
    return out


def finish(data: bytes, project: Project) -> bytes:
    """The component with what is denied taken out, and with the plugin's two sections."""
    sections = component.read(trim.trim(data))
    refused = [name for name in component.imports(sections) if trim.denied(name)]
    if refused:
        raise ProjectError(f"the component imports {', '.join(refused)}, which plugins don't have")
    manifest = component.custom("sat:manifest", project.manifest.text)
    return component.write([*sections, manifest, component.custom("sat:wit", project.text)])


def _check_tool() -> None:
    try:
        found = importlib.metadata.version("componentize-py")
    except importlib.metadata.PackageNotFoundError:
        found = None
    if found != COMPONENTIZE:
        have = f"version {found} is installed" if found else "it isn't installed"
        raise ProjectError(
            f"building needs componentize-py {COMPONENTIZE}, and {have}: "
            f"{Path(sys.executable).name} -m pip install componentize-py=={COMPONENTIZE}"
        )


def _stage(project: Project, app: Path) -> None:
    """A folder with the SDK's runtime, the plugin's modules and the glue."""
    app.mkdir()
    runtime = Path(__file__).parent
    shutil.copytree(runtime, app / "sat_sdk", ignore=lambda _, names: set(_TOOLS) & set(names))
    for path in project.folder.iterdir():
        if path.name.startswith("test") or path.name in ("sat_sdk", "conftest.py"):
            continue
        if path.suffix == ".py":
            shutil.copy(path, app)
        elif (path / "__init__.py").is_file():
            shutil.copytree(path, app / path.name, ignore=shutil.ignore_patterns("__pycache__"))
    glue = _GLUE.format(text=project.text, features=project.features)
    (app / "sat_glue.py").write_text(glue, encoding="utf-8")


def _componentize(project: Project, work: Path, raw: Path, quiet: bool) -> None:
    names = []
    for interface in wit.parse(project.text).values():
        pair = f"{interface.full}={guest.flat(interface)}"
        names += ["--import-interface-name", pair, "--export-interface-name", pair]
    tool = "import sys, componentize_py; sys.argv[0] = 'componentize-py'; componentize_py.script()"
    command = [
        sys.executable, "-c", tool, "-d", str(work / "wit"), "-w", project.world, *names,
        "componentize", "-p", str(work / "app"), "sat_glue", "-o", str(raw),
    ]  # fmt: skip
    if not quiet:
        print(f"Compiling {project.manifest.id} (this takes some seconds)", flush=True)
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, env=_environment())
    if done.returncode or not raw.exists():
        raise ProjectError(_reason(done.stderr or done.stdout))


def _environment() -> dict[str, str]:
    # A set PYTHONPATH would be searched before the folder that was prepared.
    return {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}


def _reason(output: str) -> str:
    """What componentize-py says, without the backtraces of itself."""
    text = output.split("Stack backtrace:")[0]
    kept = (
        text.split("AssertionError: ")[-1]
        if "Traceback" not in text.split("AssertionError: ")[-1]
        else text
    )
    return f"componentize-py can't build it: {kept.strip()}"
