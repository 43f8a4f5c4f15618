"""The house rules that a machine can check: who may import whom, sizes, and what must stay apart."""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "tenant_portal"
FEATURES = ("audit", "mail", "identity", "tenants", "leads", "channels", "templates", "inbox", "voicemail")
FEATURES += ("insight", "simulator")
FILE_LINES, UI_FILE_LINES, FUNCTION_LINES = 400, 250, 60
# Layer -> the layers it may import. A feature's parts are `feature.<file>`; see docs/architecture.md.
ALLOWED: dict[str, frozenset[str]] = {
    name: frozenset(may.split())
    for name, may in {
        "models": "models",
        "config": "errors",
        "errors": "",
        "networks": "",
        "tasks": "",
        "csv_lines": "",
        "db": "config errors",
        "logs": "config errors",
        "tracing": "config errors",
        "job_queue": "db config errors logs tracing",
        "crypto": "config errors",
        "object_store": "config errors",
        "schema_lint": "errors models",
        "database_setup": "config errors models schema_lint",
        "embedded_postgres": "errors",
        "twilio_gateway": "config errors tracing",
        "rules": "errors enums",
        "queries": "models errors crypto queries rules",
        "service": "models errors crypto config db rules queries job_queue networks twilio_gateway object_store"
        " csv_lines",
        "edge": "db errors config crypto models rules queries service job_queue twilio_gateway front_door object_store"
        " csv_lines",
        "front_door": "config db errors crypto models networks twilio_gateway job_queue logs tracing tasks",
    }.items()
}
EDGE_FILES = frozenset({"jobs", "webhooks", "http", "steps", "round_trip"})
ANYTHING = frozenset(
    {"__main__", "tenant_portal", "asgi", "http_routes", "worker", "supervisor", "seed", "cli", "simulator"}
    | {"frontend_build", "doctor", "web_server"}
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


def offenders(find: Callable[[str], Iterable[str]], among: Iterable[str] = MODULES) -> dict[str, list[str]]:
    """Module -> what it does that it must not; empty where all is well."""
    return {module: wrong for module in among if (wrong := sorted(find(module)))}


def test_each_module_imports_only_what_its_layer_may() -> None:
    def wrong(module: str) -> Iterator[str]:
        own, may = module.rpartition(".")[0], ALLOWED[layer(module)] | {layer(module)}
        for other in ours(MODULES[module]):
            is_word = layer(other) == "enums" and "models" in may
            if layer(other) not in may and not is_word and not (own and other.startswith(own)):
                yield other

    assert offenders(wrong, [name for name in MODULES if layer(name) in ALLOWED]) == {}


def test_a_feature_imports_no_later_feature() -> None:
    def later(module: str) -> list[str]:
        after = FEATURES[FEATURES.index(module.partition(".")[0]) + 1 :]
        return [other for other in ours(MODULES[module]) if other.partition(".")[0] in after]

    assert offenders(later, [name for name in MODULES if name.partition(".")[0] in FEATURES]) == {}


def test_only_the_outer_ring_knows_reflex() -> None:
    def reflex(module: str) -> list[str]:
        named = [name for name in imports(MODULES[module]) if name.split(".")[0].startswith("reflex")]
        pages = [name for name in ours(MODULES[module]) if name.startswith("ui.")]
        return [*named, *(() if layer(module) in ANYTHING else pages)]

    outer = {"ui", "tenant_portal", "frontend_build", "asgi"}
    assert offenders(reflex, [name for name in MODULES if name.partition(".")[0] not in outer]) == {}


def test_the_ui_reaches_data_only_through_the_features() -> None:
    def direct(module: str) -> list[str]:
        libraries = [name for name in imports(MODULES[module]) if name.split(".")[0] in UI_MAY_NOT]
        tables = [name for name in ours(MODULES[module]) if name.startswith("models") and name != "models.enums"]
        return [*(() if module == "ui.live" else libraries), *tables]

    assert offenders(direct, [name for name in MODULES if name.startswith("ui")]) == {}


def test_only_the_gateway_knows_the_sdk() -> None:
    def sdk(module: str) -> list[str]:
        return [name for name in imports(MODULES[module]) if name.split(".")[0] == "twilio"]

    assert offenders(sdk, [name for name in MODULES if not name.startswith(SDK_IMPORTERS)]) == {}


def test_there_is_no_import_cycle() -> None:
    graph = {name: ours(path, everywhere=False) - {name} for name, path in MODULES.items()}
    children = {name: {other for other in graph[name] if not other.startswith(f"{name}.")} for name in graph}
    TopologicalSorter(children).prepare()


def test_our_modules_are_imported_at_the_top() -> None:
    assert offenders(lambda module: ours(MODULES[module]) - ours(MODULES[module], everywhere=False)) == {}


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


def test_files_stay_small() -> None:
    lines = {module: len(path.read_text().splitlines()) for module, path in MODULES.items()}
    limits = {module: UI_FILE_LINES if module.startswith("ui") else FILE_LINES for module in MODULES}
    assert {module: count for module, count in lines.items() if count > limits[module]} == {}


def test_the_inner_ring_imports_without_reflex() -> None:
    inner = sorted(name for name in MODULES if name.partition(".")[0] in {*FEATURES, "front_door", "db", "job_queue"})
    code = "import importlib, sys\n" + "\n".join(f"importlib.import_module('tenant_portal.{name}')" for name in inner)
    code += "\nassert not [name for name in sys.modules if name.split('.')[0] == 'reflex']"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_alembic_is_no_package() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()
