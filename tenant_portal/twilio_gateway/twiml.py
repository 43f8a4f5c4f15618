"""TwiML documents, as text to send with `text/xml`. Built with Twilio's own builders, so every name is a real one."""

import re

from twilio.twiml.messaging_response import MessagingResponse
from twilio.twiml.voice_response import VoiceResponse

CONTENT_TYPE = "text/xml"
LANGUAGE = "en-US"
GREETING = "Hello. Nobody can take your call right now. Please leave a message after the tone."
GOODBYE = "Thank you. Goodbye."
NOTHING_RECORDED = "We did not receive a message. Goodbye."
APOLOGY = "We are sorry, your call cannot be taken right now. Please try again later. Goodbye."
MAX_SECONDS = 120
SILENCE_SECONDS = 5

# XML 1.0 has no way to write these: one of them in a greeting would make the whole document unreadable (error 12100).
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def empty_response() -> str:
    """Nothing to do: the answer to a message webhook."""
    return str(MessagingResponse().to_xml())


def voicemail_greeting(
    *,
    action_url: str,
    recording_url: str,
    transcription_url: str | None,
    greeting: str = GREETING,
    greeting_audio_url: str | None = None,
    max_seconds: int = MAX_SECONDS,
    language: str = LANGUAGE,
    voice: str | None = None,
) -> str:
    """Greet, beep, record; say goodbye and hang up if nothing was recorded.

    The URLs must be absolute: `action_url` gets the end of the recording (left out, Twilio would ask for this document
    again, for ever), `recording_url` the finished file, `transcription_url` the text (None: no paid transcript).
    `max_seconds` is 2 to 14400 and is held at 120 with a transcript, past which Twilio makes none.
    """
    response = VoiceResponse()
    if greeting_audio_url:
        response.play(greeting_audio_url)
    else:
        _say(response, greeting, language, voice)
    response.record(
        action=action_url,
        method="POST",
        max_length=min(max_seconds, MAX_SECONDS) if transcription_url else max_seconds,
        timeout=SILENCE_SECONDS,
        play_beep=True,
        # Only these end it: with the default, any digit pressed by a cheek cuts the message off.
        finish_on_key="#*",
        recording_status_callback=recording_url,
        recording_status_callback_method="POST",
        # "absent" is the only word we get about a caller who said nothing.
        recording_status_callback_event="completed absent",
        **_transcription(transcription_url),
    )
    # Reached only when the caller stayed silent: older accounts then make no action request at all.
    return _farewell(response, NOTHING_RECORDED, language)


def ring(number: str, *, seconds: int, action_url: str) -> str:
    """Ring a phone (E.164) for so long; the absolute `action_url` is told how that went, and says what comes next."""
    response = VoiceResponse()
    # The caller hears it ring, and is not counted as connected, until somebody picks up.
    dial = response.dial(timeout=seconds, action=action_url, method="POST", answer_on_bridge=True)
    dial.number(number)
    return str(response.to_xml())


def redirect(url: str) -> str:
    """Go on with the document at this absolute URL."""
    response = VoiceResponse()
    response.redirect(url, method="POST")
    return str(response.to_xml())


def goodbye(text: str = GOODBYE, language: str = LANGUAGE) -> str:
    """Thank the caller and hang up: the answer to the action request of a recording."""
    return _farewell(VoiceResponse(), text, language)


def apology(text: str = APOLOGY, language: str = LANGUAGE) -> str:
    """What a caller hears when the portal cannot take the call, for whatever reason."""
    return _farewell(VoiceResponse(), text, language)


def hangup() -> str:
    """End the call without a word."""
    response = VoiceResponse()
    response.hangup()
    return str(response.to_xml())


def _farewell(response: VoiceResponse, text: str, language: str) -> str:
    _say(response, text, language)
    response.hangup()
    return str(response.to_xml())


def _say(response: VoiceResponse, text: str, language: str, voice: str | None = None) -> None:
    # Twilio would answer an unreadable document by playing an error to the caller.
    response.say(_NOT_XML.sub("", text), language=language, **({"voice": voice} if voice else {}))


def _transcription(url: str | None) -> dict[str, object]:
    return {"transcribe": True, "transcribe_callback": url} if url else {"transcribe": False}
