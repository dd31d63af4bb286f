"""The number of examples in property tests: few by default; `EXAMPLES=20 make test` tries twenty times as many."""

import os
from typing import Any

from hypothesis import HealthCheck, settings

_TIMES = int(os.environ.get("EXAMPLES", "1"))


def examples(count: int, **options: Any) -> settings:
    """Return a decorator for property tests with whole requests. `count`: examples in a normal run."""
    return settings(max_examples=count * _TIMES, deadline=None, suppress_health_check=list(HealthCheck), **options)


def use_few_examples() -> None:
    """Set the default for property tests of pure functions: Hypothesis' usual number of examples."""
    settings.register_profile("tests", max_examples=100 * _TIMES, deadline=None)
    settings.load_profile("tests")
