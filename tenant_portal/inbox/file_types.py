"""Which files are kept, judged by their first bytes: what the sender declares is a claim, not a fact."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileType:
    """A kind of file: its media type, the ending of its name, and whether a browser may show it in place."""

    content_type: str
    ending: str
    inline: bool = True


JPEG = FileType("image/jpeg", "jpg")
MP3 = FileType("audio/mpeg", "mp3")
WAV = FileType("audio/wav", "wav")
TEXT = FileType("text/plain", "txt", inline=False)
VCARD = FileType("text/vcard", "vcf", inline=False)
OFFICE = "application/vnd.openxmlformats-officedocument"
ZIP_TYPES = {
    b"word/": FileType(f"{OFFICE}.wordprocessingml.document", "docx", inline=False),
    b"xl/": FileType(f"{OFFICE}.spreadsheetml.sheet", "xlsx", inline=False),
    b"ppt/": FileType(f"{OFFICE}.presentationml.presentation", "pptx", inline=False),
}
# (offset, bytes, type): WebP, WAVE and the MP4 family carry their name behind a length; sound by MPEG layer 3 starts
# with a frame of MPEG 1, 2 or 2.5, which telephony uses.
SIGNATURES = (
    (0, b"\xff\xd8\xff", JPEG),
    (0, b"\x89PNG\r\n\x1a\n", FileType("image/png", "png")),
    (0, b"GIF87a", FileType("image/gif", "gif")),
    (0, b"GIF89a", FileType("image/gif", "gif")),
    (8, b"WEBP", FileType("image/webp", "webp")),
    (8, b"WAVE", WAV),
    (0, b"OggS", FileType("audio/ogg", "ogg")),
    (0, b"#!AMR", FileType("audio/amr", "amr", inline=False)),
    (0, b"ID3", MP3),
    *((0, bytes((0xFF, second)), MP3) for second in (0xFB, 0xFA, 0xF3, 0xF2, 0xE3, 0xE2)),
    (0, b"\xff\xf1", FileType("audio/aac", "aac")),
    (0, b"\xff\xf9", FileType("audio/aac", "aac")),
    (4, b"ftypM4A", FileType("audio/mp4", "m4a")),
    (4, b"ftyp3g", FileType("video/3gpp", "3gp")),
    (4, b"ftypqt", FileType("video/quicktime", "mov")),
    (4, b"ftyphei", FileType("image/heic", "heic", inline=False)),
    (4, b"ftypmif1", FileType("image/heic", "heic", inline=False)),
    (4, b"ftyp", FileType("video/mp4", "mp4")),
    (0, b"\x1a\x45\xdf\xa3", FileType("video/webm", "webm")),
    (0, b"%PDF-", FileType("application/pdf", "pdf", inline=False)),
)
BY_CONTENT_TYPE = {
    kind.content_type: kind for kind in (*(kind for *_, kind in SIGNATURES), *ZIP_TYPES.values(), TEXT, VCARD)
}
DOWNLOAD = FileType("application/octet-stream", "bin", inline=False)


def sniff(content: bytes) -> FileType | None:
    """The type of a file the portal keeps, or None for anything else: HTML, SVG, programs, archives."""
    for offset, signature, kind in SIGNATURES:
        if content[offset : offset + len(signature)] == signature:
            return kind
    if content.startswith(b"PK\x03\x04"):
        return _office_type(content)
    return _text_type(content)


def of_content_type(content_type: str) -> FileType:
    """How to serve a kept file; a type that is not ours is only offered for download."""
    return BY_CONTENT_TYPE.get(content_type, DOWNLOAD)


def _office_type(content: bytes) -> FileType | None:
    # An archive's file names stand at its end; the folder tells Word, Excel and PowerPoint apart.
    if b"[Content_Types].xml" not in content:
        return None
    return next((kind for folder, kind in ZIP_TYPES.items() if folder in content[-65_536:]), None)


def _text_type(content: bytes) -> FileType | None:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    # A text that opens with a tag is markup to some browser, whatever it is called.
    has_controls = any((letter < " " or letter == "\x7f") and letter not in "\t\n\r\f" for letter in text)
    if not text.strip() or has_controls or text.lstrip().startswith("<"):
        return None
    return VCARD if text.lstrip().upper().startswith("BEGIN:VCARD") else TEXT
