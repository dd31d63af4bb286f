"""Every state of the public pages, at several sizes, light and dark, zoomed, spaced, in forced colours: axe finds
nothing, nothing is cut off or lies over other text, nothing hangs over the edge, nothing moves.

`make audit` looks at all sizes; here they are fewer, so that the tests stay quick.
"""

import pytest

from tests.browser.conftest import NewPage
from tests.tools.accessibility import USUAL, accessibility_report
from tests.tools.public_views import GROUPS, Stage
from tests.tools.running_site import RunningSite


@pytest.mark.parametrize("group", GROUPS)
def test_every_state_is_accessible_however_it_is_looked_at(new_page: NewPage, site: RunningSite, group: str) -> None:
    with Stage(site) as stage:
        examined = accessibility_report(new_page(), stage, groups=(group,), situations=USUAL)
    assert len(examined) > len(USUAL) / 2, "Nothing was looked at."
    problems = [str(look) for look in examined if look.problems]
    assert not problems, "\n".join(problems)
