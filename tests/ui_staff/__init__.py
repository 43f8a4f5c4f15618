"""Pages of channels, clients and quarantine."""
