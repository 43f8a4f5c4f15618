"""Figures about a client's work, and who is told of what waits."""
