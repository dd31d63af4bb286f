"""Temporarily replace the questions of the mapping."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.tools.running_site import RunningSite

_STORED = "import json; from intake.models import MappingPage; page = MappingPage.objects.get(); "
_READ = f"{_STORED}print(json.dumps(page.questions.get_prep_value()))"
_PUT = f"from tests.intake.mapping.asking import row, step, stream; {_STORED}"


@contextmanager
def questions_of(site: RunningSite, rows: str) -> Iterator[None]:
    """Publish these questions, and restore the earlier ones afterwards. `rows`: Python source of a list of rows."""
    before = site.run(_READ).strip()
    site.run(f"{_PUT}page.questions = stream({rows}); page.save()")
    yield
    site.run(f"{_STORED}page.questions = {before!r}; page.save()")
