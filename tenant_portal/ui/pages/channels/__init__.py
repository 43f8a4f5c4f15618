"""Channels: what a client is connected to, and the guided way to connect more."""

from tenant_portal.ui.pages.channels.connect_page import connect_page
from tenant_portal.ui.pages.channels.connect_state import ConnectState
from tenant_portal.ui.pages.channels.page import channels_page
from tenant_portal.ui.pages.channels.state import ChannelsState
from tenant_portal.ui.pages.channels.voice_page import voice_page
from tenant_portal.ui.pages.channels.voice_state import VoiceState

__all__ = ["ChannelsState", "ConnectState", "VoiceState", "channels_page", "connect_page", "voice_page"]
