"""A Twilio of our own on this machine, a handset to play leads with, and the check of the wall between tenants."""
