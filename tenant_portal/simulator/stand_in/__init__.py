"""The simulated Twilio: the REST calls and webhooks the portal uses, with state that survives a restart."""
