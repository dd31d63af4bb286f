"""How many examples the property tests try: few, or with `EXAMPLES=20 make test` twenty times as many."""

import os
from typing import Any

from hypothesis import HealthCheck, settings

_TIMES = int(os.environ.get("EXAMPLES", "1"))


def examples(count: int, **options: Any) -> settings:
    """Decorate a property that goes through whole requests with it; `count` is for a run of everything."""
    return settings(max_examples=count * _TIMES, deadline=None, suppress_health_check=list(HealthCheck), **options)


def use_few_examples() -> None:
    """Let the properties of pure functions try Hypothesis' usual number."""
    settings.register_profile("tests", max_examples=100 * _TIMES, deadline=None)
    settings.load_profile("tests")
