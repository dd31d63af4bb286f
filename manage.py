#!/usr/bin/env python
"""Run a management command. Without DJANGO_SETTINGS_MODULE it is the real site (production settings)."""

import os
import sys

_REAL_SITE = "aijuu_site.settings.production"


def main() -> None:
    if os.environ.setdefault("DJANGO_SETTINGS_MODULE", _REAL_SITE) == _REAL_SITE:
        # What its commands create holds personal data: only its owner may read it.
        os.umask(0o077)
    from django.core.management import execute_from_command_line
    from django.db import DatabaseError

    from aijuu_site.settings.environment import SettingError

    try:
        execute_from_command_line(sys.argv)
    except SettingError as error:
        # One line for whoever starts it: the way through the code says nothing about a setting.
        sys.exit(str(error))
    except DatabaseError:
        from aijuu_site.serving.checks import database_error
        from aijuu_site.serving.preparation import missing_preparation

        trouble = database_error() or missing_preparation()
        if not trouble:
            raise
        sys.exit(trouble)


if __name__ == "__main__":
    main()
