"""A look through a real browser: what people see, redacted before it is hashed or stored."""
