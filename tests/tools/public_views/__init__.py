"""Every page and state that a visitor can see, defined once for tests and audits.

    with Stage(site) as stage:                # site: tests.tools.running_site.RunningSite
        for view in stage.views():
            shown = stage.show(view, page)    # brings a Playwright page into that state
            assert shown.status == view.status
            check_html(shown.html)            # the HTML as the server sent it

The stage sends messages and changes the pause, so it needs a site with its own data folder.
"""

from tests.tools.public_views.conditions import Condition
from tests.tools.public_views.stage import GROUPS, Shown, Stage, View

__all__ = ["GROUPS", "Condition", "Shown", "Stage", "View"]
