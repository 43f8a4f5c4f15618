"""The inbox: conversations with leads over all channels, sending, and the files that came with messages."""
