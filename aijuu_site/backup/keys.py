"""Pairs of keys, in the format of age-keygen."""

import pyrage


def new_key_file() -> str:
    identity = pyrage.x25519.Identity.generate()
    return f"# public key: {identity.to_public()}\n{identity}\n"
