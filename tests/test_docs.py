"""The documents say what is true."""

import re
from pathlib import Path

import pytest

from tenant_portal.config import Settings

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)")


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_in_the_readme(name: str) -> None:
    assert f"`PORTAL_{name.upper()}`" in (ROOT / "README.md").read_text()


def test_the_readme_names_no_setting_that_is_gone() -> None:
    named = set(re.findall(r"^\| `PORTAL_(\w+)`", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert named == {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    targets = LINK.findall(document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []


@pytest.mark.parametrize(
    "folder", re.findall(r"^\| `tenant_portal/([^`{]+)/`", (ROOT / "README.md").read_text(), re.MULTILINE)
)
def test_the_folder_map_is_true(folder: str) -> None:
    assert (ROOT / "tenant_portal" / folder).is_dir()
