"""The built-in networks, and the blueprint that builds any network anew."""
