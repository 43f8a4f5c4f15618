"""Voices of Twilio's <Say>: Amazon Polly's standard ones, which Twilio names `Polly.<Name>`.

Source: twilio.com/docs/voice/twiml/say/text-speech and Amazon's list of voices; a voice speaks one language.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice by Twilio's name, its language (BCP 47), and how it is offered."""

    name: str
    language: str
    label: str


_BY_LANGUAGE = (
    ("en-US", "English (United States)", "Joanna Kendra Matthew Joey"),
    ("en-GB", "English (United Kingdom)", "Amy Emma Brian"),
    ("en-AU", "English (Australia)", "Nicole Russell"),
    ("en-IN", "English (India)", "Raveena"),
    ("de-DE", "German", "Marlene Vicki Hans"),
    ("fr-FR", "French", "Celine Lea Mathieu"),
    ("fr-CA", "French (Canada)", "Chantal"),
    ("es-ES", "Spanish", "Conchita Lucia Enrique"),
    ("es-MX", "Spanish (Mexico)", "Mia"),
    ("es-US", "Spanish (United States)", "Penelope Miguel"),
    ("it-IT", "Italian", "Carla Bianca Giorgio"),
    ("nl-NL", "Dutch", "Lotte Ruben"),
    ("pt-PT", "Portuguese", "Ines Cristiano"),
    ("pt-BR", "Portuguese (Brazil)", "Vitoria Ricardo"),
    ("pl-PL", "Polish", "Ewa Maja Jacek Jan"),
    ("sv-SE", "Swedish", "Astrid"),
    ("da-DK", "Danish", "Naja Mads"),
    ("nb-NO", "Norwegian", "Liv"),
)
VOICES = {
    voice.name: voice
    for language, language_name, names in _BY_LANGUAGE
    for voice in (Voice(f"Polly.{name}", language, f"{language_name}: {name}") for name in names.split())
}


def voice_for(name: str, language: str) -> str:
    """The voice of this name; for a channel from before voices could be chosen, the first of its language."""
    if name in VOICES:
        return name
    return next((voice.name for voice in VOICES.values() if voice.language == language), "Polly.Joanna")
