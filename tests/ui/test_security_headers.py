"""The Content-Security-Policy of built pages."""

import base64
import hashlib
from pathlib import Path

import pytest

from tenant_portal.ui.gate import is_of_staff
from tenant_portal.ui.security_headers import common, page_policy, script_hashes

SCRIPT = "\nlet a = 1;\n"
HASH = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A built site with one inline script and one of a file."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "page.html").write_text(
        f'<script src="/a.js"></script><script type="module">{SCRIPT}</script>'
    )
    return tmp_path


def test_inline_scripts_of_all_pages_are_allowed_by_hash(pages: Path) -> None:
    assert script_hashes(pages) == {HASH}
    assert f"script-src 'self' 'sha256-{HASH}';" in page_policy("https://portal.example.com", pages)


def test_neither_eval_nor_other_scripts_nor_frames_are_allowed(pages: Path) -> None:
    policy = dict(part.split(" ", 1) for part in page_policy("https://portal.example.com", pages).split("; "))
    assert "unsafe" not in policy["script-src"]
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["connect-src"] == "'self' wss://portal.example.com"
    assert policy["form-action"] == "'self'"


def test_no_host_but_our_own_is_named(pages: Path) -> None:
    policy = page_policy("http://localhost:3000", pages)
    assert policy.replace("ws://localhost:3000", "").count("://") == 0


def test_https_is_remembered_only_over_https() -> None:
    assert "max-age=63072000" in common("https://portal.example.com")["Strict-Transport-Security"]
    assert "Strict-Transport-Security" not in common("http://localhost:3000")


@pytest.mark.parametrize(
    ("path", "of_staff"),
    [("/staff", True), ("/staff/", True), ("/staff/x", True), ("/staffing", False), ("/", False), ("/x/staff", False)],
)
def test_staff_pages_are_told_by_their_prefix(path: str, of_staff: bool) -> None:
    assert is_of_staff(path) is of_staff
