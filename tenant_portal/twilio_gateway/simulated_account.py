"""The parent account of the simulated Twilio: made once and kept in the data folder, where both sides read it."""

import json
import os
import secrets
from pathlib import Path

from tenant_portal.config import Settings

FOLDER = "simulated_twilio"
PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


def state_folder(settings: Settings) -> Path:
    """Where the stand-in keeps its state."""
    return settings.data_dir / FOLDER


def simulated_parent_credentials(settings: Settings) -> tuple[str, str]:
    """SID and auth token of the simulated parent account, the same for every process of this data folder."""
    path = state_folder(settings) / "parent_account.json"
    if not path.exists():
        _make(path)
    account = json.loads(path.read_text())
    return account["sid"], account["auth_token"]


def _make(path: Path) -> None:
    # Whoever can read this file can play the agency: the folder is closed to other users too.
    path.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    draft.touch(mode=PRIVATE_FILE)
    draft.write_text(json.dumps({"sid": f"AC{secrets.token_hex(16)}", "auth_token": secrets.token_hex(16)}))
    try:
        # link() fails if another process was first: web, worker and stand-in must all read the same account.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
