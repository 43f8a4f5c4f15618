"""Who did what in a tenant."""
