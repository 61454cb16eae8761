"""Local servers that speak the protocols of providers, so that the real clients can be tested offline."""
