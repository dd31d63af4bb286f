"""A substitute for the request headers object of granian."""


class SentHeaders(dict[str, str]):
    """Headers that were sent once each; names in lower case."""

    def get_all(self, name: str) -> list[str]:
        return [self[name]] if name in self else []
