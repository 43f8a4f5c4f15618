"""Voicemail: calls that leave a recording in the lead's thread."""
