"""One accent, one grey, one radius. Everything else of the look is in assets/portal.css, on Radix' variables."""

import reflex as rx

STYLESHEETS = ["/portal.css", "/inbox.css", "/channels.css"]


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
        rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml"),
        rx.el.link(
            rel="preload",
            href="/fonts/inter-latin-wght-normal.woff2",
            custom_attrs={"as": "font", "type": "font/woff2", "crossOrigin": "anonymous"},
        ),
        rx.el.meta(name="color-scheme", content="light dark"),
    ]
