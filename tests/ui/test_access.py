"""The allow list: every handler that a browser could name is known here, with whom it is for.

Reflex makes an event handler of every public method of a state, decorated or not. A new one fails these tests until
somebody has written down here whom it is for.
"""

import ast
import inspect
from pathlib import Path
from types import SimpleNamespace

import pytest
from reflex_base.registry import RegistrationContext

from tenant_portal import tenant_portal
from tenant_portal.models.enums import Role
from tenant_portal.ui import access
from tenant_portal.ui.access import AUDIENCES, Audience, audience_of, may_call
from tests.ui.handlers import HANDLERS

UI = Path(inspect.getfile(tenant_portal)).parent / "ui"
OURS = "tenant_portal___ui___"
STAFF = SimpleNamespace(is_staff=True, role=Role.STAFF)
CLIENT = SimpleNamespace(is_staff=False, role=Role.OWNER)


def registered() -> set[str]:
    """Full names of our states' handlers, without Reflex' own `setvar`."""
    names = RegistrationContext.get().event_handlers
    return {name for name in names if OURS in name and not name.endswith(".setvar")}


def test_every_handler_is_written_down() -> None:
    known = {
        f"{state.get_full_name()}.{handler}" for state in AUDIENCES for handler in HANDLERS.get(state.__name__, ())
    }
    assert registered() == known


def test_the_list_names_no_state_that_is_gone() -> None:
    assert set(HANDLERS) == {state.__name__ for state in AUDIENCES}


@pytest.mark.parametrize("name", sorted(registered()))
def test_each_handler_is_for_exactly_whom_its_state_is_for(name: str) -> None:
    audience = audience_of(name)
    assert audience is not None
    assert may_call(CLIENT, name) is (audience is not Audience.STAFF)  # type: ignore[arg-type]
    assert may_call(STAFF, name) is (audience is not Audience.CLIENT)  # type: ignore[arg-type]


def test_of_reflex_own_handlers_only_hydration_is_open() -> None:
    own = {name for name in RegistrationContext.get().event_handlers if OURS not in name}
    assert {name for name in own if audience_of(name)} == access.REFLEX_HANDLERS
    assert not [name for name in RegistrationContext.get().event_handlers if "setvar" in name and audience_of(name)]


@pytest.mark.parametrize("name", ["", ".", "x", "setvar", "reflex___state____state", "a.b.c.d"])
def test_any_other_name_is_for_nobody(name: str) -> None:
    assert audience_of(name) is None
    assert not may_call(STAFF, name)  # type: ignore[arg-type]


CHECKS = ("client(", "staff(", "signed_in(")


def states() -> list[tuple[str, ast.Module, ast.ClassDef]]:
    """Every State class in the source of the pages, and the module it stands in."""
    return [
        (f"{path.relative_to(UI)}:{node.name}", module, node)
        for path in sorted(UI.rglob("*.py"))
        for module in [ast.parse(path.read_text())]
        for node in module.body
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "rx.State" for base in node.bases)
    ]


@pytest.mark.parametrize(("place", "module", "node"), states())
def test_every_handler_asks_who_is_there(place: str, module: ast.Module, node: ast.ClassDef) -> None:
    helpers = [part for part in module.body if isinstance(part, ast.AsyncFunctionDef)]
    asking = {f"{part.name}(self" for part in helpers if any(check in ast.unparse(part) for check in CHECKS)}
    asking |= {f"{check}self" for check in CHECKS}
    for method in public_methods(node):
        decorators = {ast.unparse(decorator).partition("(")[0] for decorator in method.decorator_list}
        assert decorators & {"rx.event", "rx.var"}, f"{place}.{method.name} is public, but not on purpose"
        if "rx.event" in decorators:
            assert any(call in ast.unparse(method) for call in asking), f"{place}.{method.name} asks nobody"


def public_methods(node: ast.ClassDef) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """What Reflex would make event handlers of."""
    methods = [part for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [method for method in methods if not method.name.startswith("_")]
