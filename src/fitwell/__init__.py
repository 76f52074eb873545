"""fitwell."""
