"""Settings for tests: temporary data folder, fast password hashing, no static manifest, SQLite or PostgreSQL."""

import os
import tempfile

os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="aijuu-test-")
os.environ.setdefault("SECRET_KEY", "only-for-tests-and-long-enough-to-be-taken-for-a-real-key")
# Set, not removed: a missing variable would be read from the .env file of a developer.
os.environ |= {
    "DATABASE_URL": os.environ.get("TEST_DATABASE_URL", ""),
    "SITE_URL": "http://127.0.0.1:8000",
    "PORT": "8000",
    "HOST": "127.0.0.1",
    "ADMIN_EMAIL": "",
    "ADMIN_PASSWORD": "",
    "ALLOWED_HOSTS": "",
    "HSTS": "",
    "LOG_FORMAT": "",
    "MONITORING_TOKEN": "",
    "EMAIL_URL": "",
    "PROOF_EMAIL": "off",
    "STORAGE_URL": "",
    "BACKUP_KEY": "",
    "BACKUP_TO": "",
    "ALERT_EMAIL": "",
    "ALERT_EMAIL_URL": "",
    "DKIM_SELECTOR": "",
    "DEFAULT_FROM_EMAIL": "Aijuu työnohjaus <kati.levola@aijuu.fi>",
    "FORM_RATE_LIMIT": "10",
    "TRUSTED_PROXIES": "0",
}

from aijuu_site.settings.data import SQLITE
from aijuu_site.settings.production import *  # noqa: F403
from aijuu_site.settings.production import DATA_DIR, DATABASES, STATIC_ROOT, STORAGES

# WhiteNoise warns about a missing folder.
STATIC_ROOT.mkdir()

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
# A thread would read the database outside the test's transaction.
PREPARE_PICTURES_IN_BACKGROUND = False
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

if DATABASES["default"]["ENGINE"] == SQLITE:
    # A file, as in production: an in-memory database has no WAL and no waiting writers.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
