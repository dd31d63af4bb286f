"""The settings as an environment of one's choice makes them."""

import os
import runpy
from pathlib import Path
from typing import Any
from unittest import mock

from aijuu_site.settings.environment import NAMES

ROOT = Path(__file__).resolve().parent.parent.parent
# Every one is set, so that a developer's .env can't take part.
NEUTRAL = dict.fromkeys(NAMES, "")
# The least that a site behind https needs.
HTTPS = {"SITE_URL": "https://www.example.fi", "EMAIL_URL": "smtp://localhost"}
# Stands in each value that could be a secret; not even its beginning may be shown.
SECRET = "salaisuus"


def settings_with(data_dir: Path | str, **environment: str) -> dict[str, Any]:
    """Run the settings anew, beside those that are in force here, and return them."""
    with mock.patch.dict(os.environ, {**NEUTRAL, "DATA_DIR": str(data_dir), **environment}):
        return runpy.run_path(str(ROOT / "aijuu_site" / "settings" / "production.py"))


# Settings of these beginnings differ between http and https.
_OF_HTTPS = (
    "ALLOWED_HOSTS", "CSRF_", "DEVICE_COOKIE_",
    "HTTPS", "SECURE_", "SESSION_COOKIE_", "SITE_URL", "TRUSTED_PROXIES", "WAGTAILADMIN_BASE",
)  # fmt: skip


def https_settings(data_dir: Path, host: str, **environment: str) -> dict[str, Any]:
    """Return what https://`host` changes in the settings, for override_settings()."""
    values = settings_with(data_dir, SITE_URL=f"https://{host}", EMAIL_URL="files:", **environment)
    return {name: value for name, value in values.items() if name.startswith(_OF_HTTPS)}
