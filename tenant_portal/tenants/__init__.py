"""The agency's clients and their Twilio subaccounts."""
