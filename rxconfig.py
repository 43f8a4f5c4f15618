"""Reflex's settings. All that differs between installations comes from the portal's own settings (PORTAL_*)."""

import reflex as rx
from reflex.constants import StateManagerMode

from tenant_portal.config import settings
from tenant_portal.ui.same_origin import SameOriginPlugin
from tenant_portal.ui.theme import theme

config = rx.Config(
    app_name="tenant_portal",
    telemetry_enabled=False,
    show_built_with_reflex=False,
    cors_allowed_origins=[settings().origin],
    state_manager_mode=StateManagerMode.REDIS if settings().redis_url else StateManagerMode.MEMORY,
    redis_url=settings().redis_url or None,
    # A handler that waits for Twilio holds its own tab's lock; one that outlasts the lock would lose what it did.
    redis_lock_expiration=60_000,
    redis_lock_warning_threshold=20_000,
    plugins=[
        rx.plugins.RadixThemesPlugin(theme=theme()),
        SameOriginPlugin(),
    ],
    disable_plugins=[rx.plugins.SitemapPlugin],
)
