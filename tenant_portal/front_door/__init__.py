"""The front door: the code between Twilio's request and a tenant's transaction. See docs/webhooks.md."""
