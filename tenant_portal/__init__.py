"""A portal in which each client of an agency runs its own Twilio subaccount, apart from every other client."""
