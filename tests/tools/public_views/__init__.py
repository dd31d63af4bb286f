"""Every page that a visitor can meet and every state that it can be in, said once, for tests and audits alike.

    with Stage(site) as stage:                # site: tests.tools.running_site.RunningSite
        for view in stage.views():
            shown = stage.show(view, page)    # a Playwright page; it is now in that state
            assert shown.status == view.status
            check_html(shown.html)            # what the server sent, before the browser made anything of it

The stage sends messages and switches the pause of the site, so it is for a site with a data folder of its own.
"""

from tests.tools.public_views.conditions import Condition
from tests.tools.public_views.stage import GROUPS, Shown, Stage, View

__all__ = ["GROUPS", "Condition", "Shown", "Stage", "View"]
