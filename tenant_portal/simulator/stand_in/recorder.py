"""What becomes of a recorded voice: the file, the callbacks and the transcript, in the order of life or a worse one."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urljoin
from xml.etree.ElementTree import Element

from pydantic import BaseModel, Field, field_validator

from tenant_portal.simulator.stand_in import samples
from tenant_portal.simulator.stand_in.records import Account, Call, Recording, Transcription, new_sid
from tenant_portal.simulator.stand_in.shapes import API_VERSION, rfc2822
from tenant_portal.simulator.stand_in.world import World

API = "https://api.twilio.com"
FILE_SECONDS, TRANSCRIPT_SECONDS = 1.0, 2.5
SHORTEST_TRANSCRIBED, LONGEST_TRANSCRIBED = 2, 120


class Speech(BaseModel):
    """What a caller says: a sound that ships or a WAV file in base64 with its words.

    The last three say how callbacks come: so many copies of each (0 is never), the transcript before the file.
    """

    sound: str = samples.DEFAULT_SOUND
    wav_base64: str = ""
    words: str = ""
    recording_copies: int = Field(1, ge=0, le=5)
    transcription_copies: int = Field(1, ge=0, le=5)
    transcription_first: bool = False

    @field_validator("sound")
    @classmethod
    def _ships(cls, value: str) -> str:
        if value not in samples.SOUNDS:
            raise ValueError("there is no such sound")
        return value

    @property
    def wav(self) -> bytes:
        """The sound itself."""
        if self.wav_base64:
            return samples.decoded([("audio/x-wav", self.wav_base64)])[0][1]
        return samples.SOUNDS[self.sound].wav

    @property
    def mp3(self) -> bytes | None:
        """The same as MP3, where it ships."""
        return None if self.wav_base64 else samples.SOUNDS[self.sound].mp3

    @property
    def text(self) -> str:
        """The words."""
        return self.words or samples.SOUNDS[self.sound].words

    @property
    def seconds(self) -> int:
        """How long it takes."""
        return samples.seconds(self.wav)


@dataclass(frozen=True)
class Taken:
    """A recording that a `<Record>` verb began. `document_url` is what its relative URLs relate to."""

    account: Account
    call: Call
    recording: Recording
    verb: Element
    document_url: str

    @property
    def url(self) -> str:
        """RecordingUrl as Twilio writes it."""
        return f"{API}/{API_VERSION}/Accounts/{self.account.sid}/Recordings/{self.recording.sid}"

    def callback(self, attribute: str) -> str:
        """The absolute URL in an attribute; empty if it is not set."""
        given = self.verb.get(attribute, "")
        return urljoin(self.document_url, given) if given else ""

    def action_parameters(self, seconds: int, digits: str) -> list[tuple[str, str]]:
        """What the action request adds: a hint, for the file need not exist yet."""
        return [
            ("RecordingUrl", self.url),
            ("RecordingSid", self.recording.sid),
            ("RecordingDuration", str(seconds)),
            ("Digits", digits),
        ]


async def finish(world: World, taken: Taken, speech: Speech | None, standard: Sequence[tuple[str, str]]) -> None:
    """Make the file and the transcript and report both; with no speech report that nothing was said."""
    await world.wait(FILE_SECONDS)
    if speech is None:
        await _report_recording(world, taken, "absent", 0)
        return
    # Speaking past the limit is cut off, as is what gets written down of it.
    seconds = min(speech.seconds, int(taken.verb.get("maxLength", "3600")))
    _keep_sound(world, taken, speech, seconds)
    if speech.transcription_first:
        await _transcribe(world, taken, speech, standard, seconds)
    for _ in range(speech.recording_copies):
        await _report_recording(world, taken, "completed", seconds)
    if not speech.transcription_first:
        await _transcribe(world, taken, speech, standard, seconds)


def _keep_sound(world: World, taken: Taken, speech: Speech, seconds: int) -> None:
    sid, mp3 = taken.recording.sid, speech.mp3
    world.store.change(
        taken.recording,
        status="completed",
        seconds=seconds,
        file=world.store.save_file(f"{sid}.wav", speech.wav),
        mp3=world.store.save_file(f"{sid}.mp3", mp3) if mp3 else "",
    )


async def _report_recording(world: World, taken: Taken, status: str, seconds: int) -> None:
    url = taken.callback("recordingStatusCallback")
    # Without the attribute only "completed" is told.
    if not url or status not in taken.verb.get("recordingStatusCallbackEvent", "completed").split():
        return
    parameters = [
        ("AccountSid", taken.account.sid),
        ("CallSid", taken.call.sid),
        ("RecordingSid", taken.recording.sid),
        ("RecordingUrl", taken.url),
        ("RecordingStatus", status),
        ("RecordingDuration", str(seconds)),
        ("RecordingChannels", "1"),
        ("RecordingSource", "RecordVerb"),
        ("RecordingStartTime", rfc2822(taken.recording.created_at) or ""),
        ("RecordingTrack", "inbound"),
    ]
    method = taken.verb.get("recordingStatusCallbackMethod", "POST")
    await world.webhooks.deliver(taken.account, url, method, parameters)


async def _transcribe(
    world: World, taken: Taken, speech: Speech, standard: Sequence[tuple[str, str]], seconds: int
) -> None:
    """Only what Twilio can: between 2 and 120 seconds, and only if it was asked for."""
    # Twilio does not say when it makes none, so a portal must not wait for one.
    if taken.verb.get("transcribe") != "true" or not SHORTEST_TRANSCRIBED < seconds < LONGEST_TRANSCRIBED:
        return
    await world.wait(TRANSCRIPT_SECONDS)
    written = world.store.put(
        Transcription(
            sid=new_sid("TR"),
            account_sid=taken.account.sid,
            recording_sid=taken.recording.sid,
            status="completed",
            seconds=seconds,
            text=speech.text,
        )
    )
    url = taken.callback("transcribeCallback")
    for _ in range(speech.transcription_copies if url else 0):
        parameters = [*standard, *_transcript_parameters(taken, written)]
        await world.webhooks.deliver(taken.account, url, "POST", parameters)


def _transcript_parameters(taken: Taken, written: Transcription) -> list[tuple[str, str]]:
    return [
        ("TranscriptionSid", written.sid),
        ("TranscriptionText", written.text),
        ("TranscriptionStatus", written.status),
        ("TranscriptionType", "fast"),
        ("TranscriptionUrl", f"{API}/{API_VERSION}/Accounts/{written.account_sid}/Transcriptions/{written.sid}"),
        ("RecordingSid", taken.recording.sid),
        ("RecordingUrl", taken.url),
    ]
