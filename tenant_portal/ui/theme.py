"""One accent, one grey, one radius. Everything else of the look is in assets/portal.css, on Radix' variables."""

from typing import Any

import reflex as rx
from reflex_base.vars.function import FunctionStringVar

THEME_COOKIE = "portal_theme"
# Sign-in and sign-out clear the browser's storage, where Reflex keeps the choice; a cookie survives that and is also
# read by the sign-in page. Without quotes or ampersands, which React would escape inside a script.
RESTORE = f"""
try {{
  const chosen = document.cookie.match(/{THEME_COOKIE}=(light|dark)/);
  if (chosen) localStorage.setItem(`theme`, chosen[1]);
}} catch (error) {{ }}
"""
KEEP = "() => {{ document.cookie = `{name}={mode}; path=/; max-age=31536000; SameSite=Lax`; }}"
STYLESHEETS = [
    f"/{name}.css" for name in ("portal", "inbox", "leads", "channels", "calls", "insight", "templates", "simulator")
]


def theme() -> rx.Component:
    """Radix' theme; light or dark follows the device until the reader chooses."""
    return rx.theme(
        accent_color="indigo",
        gray_color="slate",
        radius="medium",
        scaling="95%",
        panel_background="solid",
        appearance="inherit",
        has_background=False,
    )


def head() -> list[rx.Component]:
    """What every page's head holds; only files of our own origin."""
    return [
        rx.el.script(RESTORE),
        rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml"),
        rx.el.link(
            rel="preload",
            href="/fonts/inter-latin-wght-normal.woff2",
            custom_attrs={"as": "font", "type": "font/woff2", "crossOrigin": "anonymous"},
        ),
        rx.el.meta(name="color-scheme", content="light dark"),
    ]


def keep_choice(mode: str) -> rx.Var[Any]:
    """A compiled trigger that remembers `light` or `dark` for a year."""
    return FunctionStringVar.create(KEEP.format(name=THEME_COOKIE, mode=mode))
