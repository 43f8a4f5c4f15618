"""What the running portal has written to people, read out of its queue; no worker runs there."""

import re
import time
from uuid import UUID

from tenant_portal.crypto import Place, unseal
from tenant_portal.mail.letters import Letter
from tests.ui.conftest import Stage

PATIENCE = 5.0


def letters(stage: Stage, to: str) -> list[Letter]:
    """Everything that waits for this address, oldest first."""
    rows = stage.query("select tenant_id, id, content_sealed from outgoing_email where state = 'waiting' order by id")
    opened = [Letter.unpacked(unseal(bytes(sealed), _place(tenant, row))) for tenant, row, sealed in rows]  # type: ignore[call-overload]
    return [letter for letter in opened if letter.to == to]


def token_for(stage: Stage, to: str, path: str, *, at_least: int = 1) -> str:
    """The token of the newest link below `path`, once so many letters with one are there."""
    deadline = time.monotonic() + PATIENCE
    while len(found := [one for one in letters(stage, to) if path in one.link]) < at_least:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    token = re.search(rf"{path}([\w-]+)$", found[-1].link)
    assert token is not None
    return token[1]


def _place(tenant_id: object, row: object) -> Place:
    assert tenant_id is None or isinstance(tenant_id, UUID)
    return Place("outgoing_email", "content_sealed", tenant_id, str(row))
