"""The domain: what an SMS gateway decides. Knows no HTTP, no SQL driver, no terminal."""
