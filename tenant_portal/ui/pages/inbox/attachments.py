"""Files and voicemails inside a bubble; all sound and pictures come from our own media route."""

from typing import Any

import reflex as rx

from tenant_portal.ui.components import button
from tenant_portal.ui.components.native import NEW_TAB, NativeLink
from tenant_portal.ui.pages.inbox.bubbles import FileItem, VoicemailItem
from tenant_portal.ui.pages.inbox.state import InboxState


def file_view(item: rx.Var[FileItem]) -> rx.Component:
    """A file by its kind, or why it is not here."""
    return rx.match(
        item.kind,
        ("image", _image(item)),
        (
            "audio",
            rx.el.audio(class_name="player", aria_label="Audio", **_playing(item.url)),
        ),
        ("video", rx.el.video(class_name="video", aria_label="Video", **_playing(item.url))),
        ("file", _file(item)),
        ("waiting", _absent(item, "loader", "is on its way.")),
        ("failed", _absent(item, "cloud-off", "could not be fetched.", can_repeat=True)),
        _absent(item, "shield-x", "was not accepted."),
    )


def voicemail_view(item: rx.Var[VoicemailItem]) -> rx.Component:
    """A recording with its player and its own transcript."""
    return rx.el.div(
        rx.el.div(
            rx.icon("voicemail", size=16, aria_hidden="true"),
            rx.el.span("Voicemail"),
            rx.cond(item.duration != "", rx.el.span(item.duration, class_name="num soft")),
            class_name="call-line",
        ),
        rx.cond(
            item.url != "",
            rx.el.audio(class_name="player", aria_label="Voicemail", **_playing(item.url)),
            rx.el.div(item.note, class_name="soft file-note"),
        ),
        rx.cond(item.transcript != "", rx.el.blockquote(item.transcript, class_name="transcript")),
        rx.cond(item.transcript_note != "", rx.el.div(item.transcript_note, class_name="soft file-note")),
        class_name="voicemail",
    )


def _playing(url: rx.Var[str]) -> dict[str, Any]:
    return {"src": url, "controls": True, "preload": "metadata"}


def _image(item: rx.Var[FileItem]) -> rx.Component:
    return NativeLink.create(
        rx.el.img(src=item.url, alt="Picture", loading="lazy", class_name="picture"),
        href=item.url,
        class_name="picture-link",
        aria_label="Open the picture",
        custom_attrs=NEW_TAB,
    )


def _file(item: rx.Var[FileItem]) -> rx.Component:
    return NativeLink.create(
        rx.icon("file-down", size=18, aria_hidden="true"),
        rx.el.span(item.label),
        href=item.url,
        download=True,
        class_name="file-chip",
    )


def _absent(item: rx.Var[FileItem], icon: str, text: str, *, can_repeat: bool = False) -> rx.Component:
    repeat = button("Fetch again", icon="rotate-cw", small=True, on_click=InboxState.fetch_again(item.id))
    return rx.el.div(
        rx.el.div(
            rx.icon(icon, size=18, aria_hidden="true"),
            rx.el.div(
                rx.el.div(item.label, " ", text),
                rx.cond(item.note != "", rx.el.div(item.note, class_name="soft file-note")),
            ),
            class_name="row",
        ),
        repeat if can_repeat else rx.fragment(),
        class_name="file-absent",
    )
