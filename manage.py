#!/usr/bin/env python
"""Run a management command. Without DJANGO_SETTINGS_MODULE it is the real site (production settings)."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aijuu_site.settings.production")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
