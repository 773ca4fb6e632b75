"""The plugin that uses everything, compiled, and run by a real backend where there is one.

The programs are looked for in `dist/bin` of the repository, or in the folder SAT_BIN.
"""

import importlib.metadata
import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from sat_sdk import builder, component, project, trim

FOLDER = Path(__file__).parent / "plugin"
BIN = Path(os.environ.get("SAT_BIN") or Path(__file__).parents[3] / "dist" / "bin")


def componentize():
    try:
        return importlib.metadata.version("componentize-py")
    except importlib.metadata.PackageNotFoundError:
        return None


@unittest.skipUnless(
    componentize() == builder.COMPONENTIZE,
    f"componentize-py {builder.COMPONENTIZE} isn't installed, so no plugin is compiled: "
    f"pip install componentize-py=={builder.COMPONENTIZE}",
)
class Compiled(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.work = Path(folder.name)
        cls.project = project.load(FOLDER)
        cls.file = builder.build(cls.project, cls.work / "everything.wasm", quiet=True)
        cls.sections = component.read(cls.file.read_bytes())

    def test_sections(self):
        customs = list(component.customs(self.sections))
        for name, text in (
            ("sat:manifest", (FOLDER / "plugin.toml").read_text()),
            ("sat:wit", self.project.text),
        ):
            self.assertEqual([d.decode() for n, d in customs if n == name], [text])

    def test_imports_and_exports(self):
        imports = component.imports(self.sections)
        self.assertEqual([name for name in imports if trim.denied(name)], [])
        self.assertIn("sat:disco/disco@0.1.0", imports)
        self.assertNotIn("sat:chat/chat@0.1.0", imports)
        self.assertEqual(
            sorted(component.exports(self.sections)),
            sorted(
                ["acme:everything/everything@0.1.0", "sat:chat/events@0.1.0"]
                + [f"sat:plugin/{hook}@0.1.0" for hook in self.project.hooks]
            ),
        )

    def test_size(self):
        self.assertLess(self.file.stat().st_size, builder.MAX_FILE * 3 // 4)

    @unittest.skipUnless(
        (BIN / "sat").exists(), f"{BIN} has no backend to run it: make dist, or set SAT_BIN"
    )
    def test_in_a_backend(self):
        backend = Backend(self.work)
        self.addCleanup(backend.stop)
        call = lambda method, **p: backend.call(f"acme.everything.{method}", **p)  # noqa: E731
        thing = {
            "name": "é", "colour": "dark-blue", "shape": {"tag": "circle", "value": 1.5},
            "rights": ["read", "write-all"], "from": "x", "pairs": [["a", -1]], "data": "AP8=",
            "outcome": {"err": "e"}, "extra": [["x", {"y": [1]}]],
        }  # fmt: skip
        self.assertEqual(call("echo", **thing), thing)
        for how, word in (
            ("sat", "my-own-word"), ("stanza", "item-not-found"), ("value", "internal-error"),
            ("argument", "value: expected bytes, found a str"), ("socket", "have no sockets"),
            ("deep", "RecursionError"), ("json500", "JSONDecodeError"),
            # What C code does recursively isn't counted in time; a fresh instance goes on.
            ("json100000", "call stack exhausted"),
        ):  # fmt: skip
            self.assertIn(word, call("fail", how=how), how)
        self.assertIsNone(call("fail", how="print"))
        said = call("visit")
        self.assertEqual(said[:4], [repr(b"\0\xff"), "['key']", "True", "b's'"])
        self.assertEqual(said[4], repr((None, 1, 1.5, "é", b"\0", 1)))
        self.assertEqual(said[5:9], ["2", "None", "True", "juliet@localhost"])
        # The disco plugin isn't there, and other plugins' tables aren't ours.
        self.assertEqual(said[9:], ["no-provider", "sql-error", "['soon']", "forbidden"])
        backend.wait_for_log("soon has come with payload")
        self.assertEqual(call("together", n=50), 50)
        first = call("random")
        self.assertNotEqual(first, call("random"))
        # An endless loop ends the instance; the next call gets a fresh one, with other randomness.
        self.assertIn("CALL_TICKS", call("fail", how="loop"))
        self.assertNotEqual(first, call("random"))
        logs = backend.jp("plugin", "logs", "everything")
        for words in ("printed", "TypeError: value: expected bytes",
                      "asked to fail by sat", 'plugin.py", line'):  # fmt: skip
            self.assertIn(words, logs)


class Backend:
    """A backend in a folder of its own, with one profile and no server."""

    def __init__(self, work):
        self.env = os.environ | {
            "HOME": str(work / "home"),
            "XDG_RUNTIME_DIR": str(work / "run"),
            "XDG_DATA_HOME": str(work / "data"),
            "XDG_CONFIG_HOME": str(work / "config"),
        }
        plugins = work / "plugins"
        for name in ("home", "run", "data", "config/sat", "plugins"):
            (work / name).mkdir(mode=0o700, parents=True)
        (work / "config/sat/sat.conf").write_text(f"[plugins]\ndirs = {plugins}\n")
        shutil.copy(work / "everything.wasm", plugins)
        self.process = subprocess.Popen(
            [BIN / "sat", "fg"], env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        # Compiling takes a while on a busy machine.
        deadline = time.monotonic() + 300
        while "everything" not in self.jp("plugin", "list", check=False):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError("the backend didn't load the plugin")
            time.sleep(0.2)
        self.jp("profile", "create", "juliet", "juliet@localhost", "--passwords-stdin",
                "--host", "127.0.0.1", "--port", "1", "--security", "plain", stdin="\nx\n")  # fmt: skip

    def jp(self, *arguments, stdin="", check=True):
        done = subprocess.run(
            [BIN / "jp", *arguments], env=self.env, input=stdin, capture_output=True, text=True
        )
        if check and done.returncode:
            raise AssertionError(f"jp {arguments}: {done.stderr}")
        return done.stdout

    def wait_for_log(self, words):
        deadline = time.monotonic() + 30
        while words not in (logs := self.jp("plugin", "logs", "everything")):
            if time.monotonic() > deadline:
                raise AssertionError(f"{words!r} isn't in the log:\n{logs}")
            time.sleep(0.05)

    def call(self, method, **params):
        """The result, or the text of the error."""
        pairs = [f"{name}={json.dumps(value)}" for name, value in params.items()]
        done = subprocess.run(
            [BIN / "jp", "call", method, "profile=juliet", *pairs],
            env=self.env, capture_output=True, text=True,
        )  # fmt: skip
        return json.loads(done.stdout or "null") if done.returncode == 0 else done.stderr

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)


if __name__ == "__main__":
    unittest.main()
