"""The embedded server under every death, on every path and under every account that it must survive."""
