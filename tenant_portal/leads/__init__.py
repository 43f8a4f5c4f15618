"""Leads: the people who write to or call a tenant."""
