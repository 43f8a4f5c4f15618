"""A page's state as Reflex hands it to a background event: to be entered before it is changed."""

from typing import Any

import reflex as rx


class Background:
    """Passes everything on to the state."""

    def __init__(self, state: rx.State) -> None:
        object.__setattr__(self, "_state", state)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._state, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._state, name, value)

    async def __aenter__(self) -> rx.State:
        return self._state  # type: ignore[no-any-return]

    async def __aexit__(self, *_: object) -> None:
        return None
