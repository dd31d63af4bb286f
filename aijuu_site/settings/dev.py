"""Settings for development: DEBUG, autoreload, debug toolbar."""

from aijuu_site.settings.environment import SettingError
from aijuu_site.settings.production import *  # noqa: F403
from aijuu_site.settings.production import HTTPS, INSTALLED_APPS, LOGGING, MIDDLEWARE, STORAGES

if HTTPS:
    raise SettingError("SITE_URL", "the settings for development show errors to everybody, so they take no https.")
DEBUG = True
# Whole tracebacks, with the texts of errors.
LOGGING = {**LOGGING, "formatters": {"chosen": {"format": "{levelname} {name}: {message}", "style": "{"}}}
INSTALLED_APPS = [*INSTALLED_APPS, "debug_toolbar"]
_after_gzip = MIDDLEWARE.index("django.middleware.gzip.GZipMiddleware") + 1
MIDDLEWARE = [*MIDDLEWARE[:_after_gzip], "debug_toolbar.middleware.DebugToolbarMiddleware", *MIDDLEWARE[_after_gzip:]]
INTERNAL_IPS = ["127.0.0.1", "::1"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
