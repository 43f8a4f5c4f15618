"""What every answer to a browser carries, and the Content-Security-Policy of the built pages."""

import base64
import hashlib
import re
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

BUILT_PAGES = Path(".web/build/client")
INLINE_SCRIPT = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
IMMUTABLE = "private, max-age=31536000, immutable"
TWO_YEARS = 63_072_000


def common(origin: str) -> dict[str, str]:
    """Headers of every answer. `same-origin` and not `no-referrer`: the latter makes browsers post `Origin: null`."""
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(self), payment=(), usb=()",
    }
    if origin.startswith("https://"):
        headers["Strict-Transport-Security"] = f"max-age={TWO_YEARS}; includeSubDomains"
    return headers


@lru_cache
def page_policy(origin: str, pages: Path = BUILT_PAGES) -> str:
    """The policy of the built pages: only scripts that were there when they were built, and never eval."""
    socket = urlsplit(origin)._replace(scheme="wss" if origin.startswith("https") else "ws").geturl()
    hashes = " ".join(f"'sha256-{digest}'" for digest in sorted(script_hashes(pages)))
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {hashes}".rstrip(),
            # Radix and emotion write style attributes and <style> elements at run time.
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "media-src 'self' blob:",
            "font-src 'self'",
            # Named besides 'self', which older Safari does not take for a websocket.
            f"connect-src 'self' {socket}",
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def script_hashes(pages: Path) -> set[str]:
    """SHA-256 (base64) of every inline script in the built pages."""
    found: set[str] = set()
    for file in pages.rglob("*.html"):
        for script in INLINE_SCRIPT.findall(file.read_text()):
            found.add(base64.b64encode(hashlib.sha256(script.encode()).digest()).decode())
    return found
