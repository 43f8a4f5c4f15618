"""Reading templates for pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tenant_portal.errors import NotFound
from tenant_portal.models import metadata
from tenant_portal.models.enums import TemplateKind, TemplateState
from tenant_portal.templates.rules import Button

TEMPLATE = metadata.tables["message_template"]
COLUMNS = (
    "id", "name", "language", "category", "kind", "body", "media_url", "buttons", "samples", "fills", "state",
    "content_sid", "reason", "attempts", "created_at",
)  # fmt: skip
MOST = 500


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """A template; the fields are described in models/message_template.py."""

    id: UUID
    name: str
    language: str
    category: str
    kind: TemplateKind
    body: str
    media_url: str
    buttons: tuple[Button, ...]
    samples: dict[str, str]
    fills: dict[str, str]
    state: TemplateState
    content_sid: str | None
    reason: str
    attempts: int
    created_at: datetime


async def list_templates(
    session: AsyncSession, tenant_id: UUID, states: Sequence[TemplateState] = tuple(TemplateState)
) -> list[TemplateRow]:
    """The newest MOST templates in one of these states, by name."""
    found = sa.select(*(TEMPLATE.c[name] for name in COLUMNS)).where(
        TEMPLATE.c.tenant_id == tenant_id, TEMPLATE.c.state.in_(states)
    )
    newest = found.order_by(TEMPLATE.c.id.desc()).limit(MOST).subquery()
    return [_row(row) for row in (await session.execute(sa.select(newest).order_by(newest.c.name))).mappings()]


async def get_template(session: AsyncSession, tenant_id: UUID, template_id: UUID) -> TemplateRow:
    """One template; NotFound if this tenant has none of this id."""
    found = sa.select(*(TEMPLATE.c[name] for name in COLUMNS)).where(
        TEMPLATE.c.tenant_id == tenant_id, TEMPLATE.c.id == template_id
    )
    row = (await session.execute(found)).mappings().first()
    if row is None:
        raise NotFound("This template does not exist.")
    return _row(row)


def _row(row: sa.RowMapping) -> TemplateRow:
    values: dict[str, Any] = dict(row)
    return TemplateRow(**{**values, "buttons": tuple(Button(*one) for one in values["buttons"])})
