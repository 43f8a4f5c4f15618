"""The house rules that a machine can check: who may import whom, sizes, and what must stay apart."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "tenant_portal"
FEATURES = ("audit", "identity", "tenants", "leads", "channels", "inbox", "voicemail", "simulator")
FILE_LINES, UI_FILE_LINES, FUNCTION_LINES = 400, 250, 60
# Layer -> the layers it may import. A feature's parts are `feature.<file>`; see docs/architecture.md.
ALLOWED: dict[str, frozenset[str]] = {
    name: frozenset(may.split())
    for name, may in {
        "models": "models",
        "config": "errors",
        "errors": "",
        "db": "config errors",
        "job_queue": "db config errors",
        "crypto": "config errors",
        "object_store": "config errors",
        "schema_lint": "errors models",
        "database_setup": "config errors models schema_lint",
        "embedded_postgres": "errors",
        "twilio_gateway": "config errors",
        "rules": "errors enums",
        "queries": "models errors crypto queries rules",
        "service": "models errors crypto config db rules queries job_queue twilio_gateway object_store",
        "edge": "db errors config crypto models rules queries service job_queue twilio_gateway front_door object_store",
        "front_door": "config db errors crypto models twilio_gateway job_queue",
    }.items()
}
EDGE_FILES = frozenset({"jobs", "webhooks", "http", "steps", "round_trip"})
ANYTHING = frozenset(
    {"__main__", "tenant_portal", "asgi", "http_routes", "worker", "supervisor", "seed", "cli", "simulator"}
    | {"frontend_build", "doctor"}
)
UI_MAY_NOT = ("sqlalchemy", "sqlmodel", "twilio", "procrastinate", "psycopg")
SDK_IMPORTERS = ("twilio_gateway",)


def modules() -> dict[str, Path]:
    """Dotted name below tenant_portal -> file."""
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__") or "__init__": path
        for path in sorted(PACKAGE.rglob("*.py"))
    }


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imports(path: Path, *, everywhere: bool = True) -> Iterator[str]:
    """Dotted names this file imports; `everywhere` includes those inside functions."""
    for node in ast.walk(tree(path)) if everywhere else tree(path).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(path: Path, *, everywhere: bool = True) -> set[str]:
    """Modules of ours that this file imports, below tenant_portal."""
    known = modules()
    found = set()
    for name in imports(path, everywhere=everywhere):
        if name.startswith("tenant_portal."):
            short = name.removeprefix("tenant_portal.")
            found.add(short if short in known else short.rpartition(".")[0])
    return found - {""}


def layer(module: str) -> str:
    """The row of the table that this module belongs to."""
    top, _, rest = module.partition(".")
    if top not in FEATURES or top == "simulator":
        return "enums" if module == "models.enums" else top
    part = rest.partition(".")[0]
    if part in EDGE_FILES:
        return "edge"
    return part if part in ALLOWED else "service"


MODULES = modules()


@pytest.mark.parametrize("module", [name for name in MODULES if layer(name) in ALLOWED])
def test_each_module_imports_only_what_its_layer_may(module: str) -> None:
    own = module.rpartition(".")[0]
    wrong = {
        other
        for other in ours(MODULES[module])
        if layer(other) not in ALLOWED[layer(module)]
        and not (layer(other) == "enums" and "models" in ALLOWED[layer(module)])
        and layer(other) != layer(module)
        and not (own and other.startswith(own))
    }
    assert wrong == set()


@pytest.mark.parametrize("module", [name for name in MODULES if name.partition(".")[0] in FEATURES])
def test_a_feature_imports_no_later_feature(module: str) -> None:
    feature = module.partition(".")[0]
    later = FEATURES[FEATURES.index(feature) + 1 :]
    assert {other for other in ours(MODULES[module]) if other.partition(".")[0] in later} == set()


@pytest.mark.parametrize("module", MODULES)
def test_only_the_outer_ring_knows_reflex(module: str) -> None:
    if module.partition(".")[0] in {"ui", "tenant_portal", "frontend_build", "asgi"}:
        return
    assert [name for name in imports(MODULES[module]) if name.split(".")[0].startswith("reflex")] == []
    assert [name for name in ours(MODULES[module]) if name.startswith("ui.")] == [] or layer(module) in ANYTHING


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("ui")])
def test_the_ui_reaches_data_only_through_the_features(module: str) -> None:
    names = list(imports(MODULES[module]))
    assert [name for name in names if name.split(".")[0] in UI_MAY_NOT and not module.startswith("ui.live")] == []
    assert [name for name in ours(MODULES[module]) if name.startswith("models") and name != "models.enums"] == []


@pytest.mark.parametrize("module", [name for name in MODULES if not name.startswith(SDK_IMPORTERS)])
def test_only_the_gateway_knows_the_sdk(module: str) -> None:
    assert [name for name in imports(MODULES[module]) if name.split(".")[0] == "twilio"] == []


def test_there_is_no_import_cycle() -> None:
    graph = {name: ours(path, everywhere=False) - {name} for name, path in MODULES.items()}
    children = {name: {other for other in graph[name] if not other.startswith(f"{name}.")} for name in graph}
    TopologicalSorter(children).prepare()


@pytest.mark.parametrize("module", MODULES)
def test_our_modules_are_imported_at_the_top(module: str) -> None:
    assert ours(MODULES[module]) - ours(MODULES[module], everywhere=False) == set()


def functions() -> Iterator[tuple[str, int]]:
    """(place, lines without the docstring) of every function."""
    for name, path in MODULES.items():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{name}.{node.name}", _lines(node)


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first, end = node.body[0], node.end_lineno or 0
    value = first.value if isinstance(first, ast.Expr) else None
    is_doc = isinstance(value, ast.Constant) and isinstance(value.value, str)
    documented = (first.end_lineno or 0) - first.lineno + 1 if is_doc else 0
    return end - node.lineno + 1 - documented


def test_functions_stay_small() -> None:
    sizes = dict(functions())
    assert {name: size for name, size in sizes.items() if size > FUNCTION_LINES} == {}
    assert median(sizes.values()) <= 8
    assert sorted(sizes.values())[int(len(sizes) * 0.95)] <= 35


@pytest.mark.parametrize("module", MODULES)
def test_files_stay_small(module: str) -> None:
    limit = UI_FILE_LINES if module.startswith("ui") else FILE_LINES
    assert len(MODULES[module].read_text().splitlines()) <= limit


def test_the_inner_ring_imports_without_reflex() -> None:
    inner = sorted(name for name in MODULES if name.partition(".")[0] in {*FEATURES, "front_door", "db", "job_queue"})
    code = "import importlib, sys\n" + "\n".join(f"importlib.import_module('tenant_portal.{name}')" for name in inner)
    code += "\nassert not [name for name in sys.modules if name.split('.')[0] == 'reflex']"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_alembic_is_no_package() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()
