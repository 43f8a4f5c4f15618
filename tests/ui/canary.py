"""A text that must turn up nowhere but where a test put it."""

SECRET = "CANARY-4711"
