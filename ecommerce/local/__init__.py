"""The platform on one machine without Docker: servers from Python wheels, supervised, on loopback."""
