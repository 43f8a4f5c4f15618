"""What only some messages have, in a reader's words; `details` are those of models/conversation.py."""

from typing import Any


def tapped(details: dict[str, Any]) -> str:
    """What the lead has tapped instead of typing; with the value behind a button where that says something else."""
    if details.get("list"):
        return "Chosen from a list"
    button = details.get("button")
    if not button:
        return ""
    text, payload = str(button.get("text") or ""), str(button.get("payload") or "")
    return f"Tapped a button ({payload})" if payload and payload.casefold() != text.casefold() else "Tapped a button"


def place_name(details: dict[str, Any]) -> str:
    """The name of a shared location; empty where there is none."""
    location = details.get("location") or {}
    return str(location.get("label") or location.get("address") or "Location") if location else ""


def map_url(details: dict[str, Any]) -> str:
    """A map with the shared location; empty where its place is not known."""
    location = details.get("location") or {}
    latitude, longitude = location.get("latitude"), location.get("longitude")
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        return ""
    return f"https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}#map=16/{latitude}/{longitude}"
