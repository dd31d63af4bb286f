"""The production settings, computed from given environment variables."""

import os
import runpy
from pathlib import Path
from typing import Any
from unittest import mock

from aijuu_site.settings.environment import NAMES

ROOT = Path(__file__).resolve().parent.parent.parent
# Every variable is set (empty), so that a developer's .env has no effect.
NEUTRAL = dict.fromkeys(NAMES, "")
# The minimum that a site behind https needs.
HTTPS = {"SITE_URL": "https://www.example.fi", "EMAIL_URL": "smtp://localhost"}
# Part of each test value that could be a secret. No message may show even its first letters.
SECRET = "salaisuus"


def settings_with(data_dir: Path | str, **environment: str) -> dict[str, Any]:
    """Run the settings module with these variables and return its values. The active settings don't change."""
    with mock.patch.dict(os.environ, {**NEUTRAL, "DATA_DIR": str(data_dir), **environment}):
        return runpy.run_path(str(ROOT / "aijuu_site" / "settings" / "production.py"))


# Settings whose names start with these differ between http and https.
_OF_HTTPS = (
    "ALLOWED_HOSTS", "CSRF_", "DEVICE_COOKIE_",
    "HTTPS", "SECURE_", "SESSION_COOKIE_", "SITE_URL", "TRUSTED_PROXIES", "WAGTAILADMIN_BASE",
)  # fmt: skip


def https_settings(data_dir: Path, host: str, **environment: str) -> dict[str, Any]:
    """Return the settings that SITE_URL=https://`host` changes, for override_settings()."""
    values = settings_with(data_dir, SITE_URL=f"https://{host}", EMAIL_URL="files:", **environment)
    return {name: value for name, value in values.items() if name.startswith(_OF_HTTPS)}
