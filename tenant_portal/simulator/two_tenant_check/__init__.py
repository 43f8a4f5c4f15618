"""The two-tenant check: two synthetic clients, and every way we know to get from one to the other, tried."""
