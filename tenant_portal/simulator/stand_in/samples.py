"""The picture and the sounds that ship with the simulator."""

import base64
import binascii
import io
import wave
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "samples"
PICTURE = "image/jpeg"


@dataclass(frozen=True)
class Sound:
    """Something a caller says: a WAV file, its MP3 twin, its words."""

    name: str
    words: str

    @property
    def wav(self) -> bytes:
        """The WAV file."""
        return (FOLDER / f"{self.name}.wav").read_bytes()

    @property
    def mp3(self) -> bytes:
        """The same as MP3."""
        return (FOLDER / f"{self.name}.mp3").read_bytes()


SOUNDS = {
    sound.name: sound
    for sound in (
        Sound(
            "kitchen",
            "Hello, this is Maria. I saw your new kitchens and I would love to get a quote. "
            "Please call me back this afternoon. Thank you.",
        ),
    )
}
DEFAULT_SOUND = "kitchen"


def pictures(count: int) -> list[tuple[str, bytes]]:
    """The sample picture so many times, with its content type."""
    return [(PICTURE, (FOLDER / "picture.jpg").read_bytes())] * count


def decoded(files: list[tuple[str, str]]) -> list[tuple[str, bytes]]:
    """Files given as content type and base64. ValueError where one is not."""
    try:
        return [(content_type, base64.b64decode(text, validate=True)) for content_type, text in files]
    except binascii.Error:
        raise ValueError("a file is not base64") from None


def seconds(wav: bytes) -> int:
    """How long a WAV file plays, at least one second."""
    with wave.open(io.BytesIO(wav)) as sound:
        length: float = sound.getnframes() / sound.getframerate()
    return max(1, round(length))
