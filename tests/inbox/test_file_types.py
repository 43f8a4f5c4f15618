"""Files are judged by their bytes, whatever the sender declares."""

import io
import zipfile

import pytest

from tenant_portal.inbox.file_types import DOWNLOAD, of_content_type, sniff


def office(folder: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(f"{folder}/document.xml", "<x/>")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"GIF89a..", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"OggS\x00\x02", "audio/ogg"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\xff\xfb\x90", "audio/mpeg"),
        (b"\xff\xe3\x38", "audio/mpeg"),
        (b"\xff\xf1\x50", "audio/aac"),
        (b"#!AMR\n", "audio/amr"),
        (b"\x00\x00\x00\x20ftypisom", "video/mp4"),
        (b"\x00\x00\x00\x20ftypM4A ", "audio/mp4"),
        (b"\x00\x00\x00\x20ftyp3gp4", "video/3gpp"),
        (b"%PDF-1.7", "application/pdf"),
        (b"BEGIN:VCARD\r\nVERSION:3.0", "text/vcard"),
        ("Grüße".encode(), "text/plain"),
    ],
)
def test_what_people_send_is_known_by_its_first_bytes(content: bytes, content_type: str) -> None:
    found = sniff(content)
    assert found is not None
    assert found.content_type == content_type


@pytest.mark.parametrize("folder", ["word", "xl", "ppt"])
def test_office_documents_are_told_apart_and_only_downloaded(folder: str) -> None:
    found = sniff(office(folder))
    assert found is not None
    assert not found.inline
    assert found.ending == {"word": "docx", "xl": "xlsx", "ppt": "pptx"}[folder]


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"\xef\xbb\xbf  <!DOCTYPE html><script>alert(1)</script>",
        b"<?xml version='1.0'?><x/>",
        b"MZ\x90\x00",
        b"\x7fELF",
        b"PK\x03\x04 any other archive",
        b"\x1f\x8b\x08",
        b"",
        b" \n ",
        b"text with a \x00 in it",
        b"\xfe\xff\x00<\x00s",
    ],
)
def test_what_could_run_or_hide_something_is_not_kept(content: bytes) -> None:
    assert sniff(content) is None


@pytest.mark.parametrize("content_type", ["text/html", "image/svg+xml", "", "application/x-msdownload"])
def test_a_type_that_is_not_ours_is_only_offered_for_download(content_type: str) -> None:
    assert of_content_type(content_type) == DOWNLOAD


@pytest.mark.parametrize("content_type", ["application/pdf", "text/plain", "text/vcard", "image/heic"])
def test_what_a_browser_cannot_show_safely_is_a_download(content_type: str) -> None:
    assert not of_content_type(content_type).inline
