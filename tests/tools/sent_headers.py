"""The headers of a request as granian gives them."""


class SentHeaders(dict[str, str]):
    """Each sent once; names in lower case."""

    def get_all(self, name: str) -> list[str]:
        return [self[name]] if name in self else []
