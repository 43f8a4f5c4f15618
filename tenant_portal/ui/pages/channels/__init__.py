"""Channels: what a client is connected to, and the guided way to connect more."""

from tenant_portal.ui.pages.channels.connect_page import connect_page
from tenant_portal.ui.pages.channels.connect_state import ConnectState
from tenant_portal.ui.pages.channels.page import channels_page
from tenant_portal.ui.pages.channels.state import ChannelsState

__all__ = ["ChannelsState", "ConnectState", "channels_page", "connect_page"]
