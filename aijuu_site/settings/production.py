"""The settings of the site, from the environment or .env. `dev` and `test` override some of them."""

from pathlib import Path
from typing import Any

from csp.constants import NONCE, NONE, SELF, UNSAFE_INLINE

from aijuu_site.settings.data import (
    backup_destination,
    backup_keys,
    configured_secret_key,
    data_folder,
    database_from_url,
    file_storages,
    make_data_folder,
    stored_secret_key,
)
from aijuu_site.settings.environment import Environment
from aijuu_site.settings.hosts import (
    allowed_hosts,
    available_cores,
    cookie_name,
    has_host_name,
    listening_host,
    monitoring_token,
    reachable_host,
    site_url,
)
from aijuu_site.settings.mail import (
    admin_email,
    alert_addresses,
    alert_server,
    dkim_selector,
    email_settings,
    proof_email,
    require_for_visitors,
    sender,
)

BASE_DIR = Path(__file__).resolve().parent.parent.parent

# All variables are validated before the data folder is created, so that an invalid one leaves nothing behind.
env = Environment(BASE_DIR / ".env")

PORT = env.whole_number("PORT", default=8000, lowest=1, highest=65535)
HOST = listening_host(env.text("HOST"))
# Where programs on this machine reach the site.
LOCAL_ADDRESS = (reachable_host(HOST), PORT)
DATA_DIR = data_folder(env.text("DATA_DIR"), sources=BASE_DIR)

# The public URL of the site. An https URL means a public site: this alone decides whether the strict rules apply.
SITE_URL = site_url(env.text("SITE_URL"), port=PORT)
ALLOWED_HOSTS = allowed_hosts(env.text("ALLOWED_HOSTS"), url=SITE_URL)
HTTPS = SITE_URL.startswith("https://")
HSTS = env.choice("HSTS", "subdomains", "preload")

# The number of our own reverse proxies, one of which terminates TLS. It decides how many addresses at the right of
# X-Forwarded-For are trusted, and whether X-Forwarded-Proto is trusted.
TRUSTED_PROXIES = env.whole_number("TRUSTED_PROXIES", default=1 if HTTPS else 0, lowest=0, highest=9)
EMAIL_URL = env.text("EMAIL_URL")
_email = email_settings(EMAIL_URL)
if HTTPS:
    require_for_visitors(trusted_proxies=TRUSTED_PROXIES, email_url=EMAIL_URL, email=_email)
WEB_PROCESSES = env.whole_number("WEB_PROCESSES", default=min(available_cores(), 8), lowest=1, highest=64)
FORM_RATE_LIMIT = env.whole_number("FORM_RATE_LIMIT", default=10, lowest=1, highest=1_000_000)

LOG_FORMAT = env.choice("LOG_FORMAT", "lines", "json") or "lines"
MONITORING_TOKEN = monitoring_token(env.text("MONITORING_TOKEN"))

# The account that is created at the first start (aijuu_site.serving.preparation).
ADMIN_EMAIL = admin_email(env.text("ADMIN_EMAIL") or "kati.levola@aijuu.fi")
ADMIN_PASSWORD = env.exact("ADMIN_PASSWORD")

DATABASES = {"default": database_from_url(env.text("DATABASE_URL"), DATA_DIR)}

# Without a mail server, mail is written to files, so that nothing is lost and the site can be tried out.
vars().update(_email)
MAIL_DIR = DATA_DIR / "mail"
PROOF_EMAIL = proof_email(env.text("PROOF_EMAIL"))
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = sender(env.text("DEFAULT_FROM_EMAIL") or "Aijuu työnohjaus <kati.levola@aijuu.fi>")

# Renditions only. Uploaded originals are in the default storage, which only the admin shows.
MEDIA_URL = "/media/"
MEDIA_ROOT = DATA_DIR / "media"
ADMIN_PATH = "/admin/"
# The prefix of private links (intake.urls). The part behind it is a secret.
PRIVATE_PATH = "/jatka/"
STORAGES = {
    **file_storages(
        env.text("STORAGE_URL"), data_dir=DATA_DIR, uploads_url=f"{ADMIN_PATH}uploads/", media_url=MEDIA_URL
    ),
    "staticfiles": {"BACKEND": "aijuu_site.static_files.StaticFilesStorage"},
}

# Recipients of problem reports, and the mail server that sends them (empty: the site's own).
ALERT_EMAIL = alert_addresses(env.text("ALERT_EMAIL"))
ALERT_EMAIL_SERVER = alert_server(env.text("ALERT_EMAIL_URL"))
# The name of the key with which the mail server signs (aijuu_site.domain_check).
DKIM_SELECTOR = dkim_selector(env.text("DKIM_SELECTOR"))

# Backups are encrypted to these public keys. Without a key, no backups are made.
BACKUP_KEYS = backup_keys(env.text("BACKUP_KEY"))
BACKUP_TO = backup_destination(env.text("BACKUP_TO"), data_dir=DATA_DIR, sources=BASE_DIR)

SECRET_KEY = configured_secret_key(env.text("SECRET_KEY"))
make_data_folder(DATA_DIR)
SECRET_KEY = SECRET_KEY or stored_secret_key(DATA_DIR)

DEBUG = False

INSTALLED_APPS = [
    "aijuu_site",
    "aijuu_site.accounts",
    "intake",
    "home",
    "wagtail_modeladmin",
    "wagtail.contrib.redirects",
    "wagtail.contrib.routable_page",
    "wagtail.contrib.settings",
    "wagtail.sites",
    "aijuu_site.accounts.apps.UsersAppConfig",
    "wagtail.snippets",
    "wagtail.images",
    # Required by the admin. No group has its permissions.
    "wagtail.documents",
    "wagtail.search",
    "wagtail.admin",
    "wagtail",
    "django_tasks",
    "modelcluster",
    "taggit",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.sitemaps",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
]

MIDDLEWARE = [
    "aijuu_site.middleware.RequestIdMiddleware",
    # The outermost middleware that sets headers, so that every response has them, including static files and errors.
    "aijuu_site.middleware.PrivateAddressesMiddleware",
    "aijuu_site.middleware.SecurityHeadersMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "aijuu_site.middleware.SiteAddressMiddleware",
    "aijuu_site.middleware.RefuseNulMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    # Sees the body before compression, and the Cache-Control that the page got.
    "aijuu_site.kept_pages.keeper.KeptPagesMiddleware",
    "aijuu_site.middleware.PublicCacheMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "aijuu_site.accounts.second_step.SecondStepMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "home.site_pages.CurrentRequestMiddleware",
    "aijuu_site.middleware.StorageUnreachableMiddleware",
    "aijuu_site.invalid_ids.InvalidIdMiddleware",
    # Innermost: a form sent to an old URL is handled within the same request, after all other middleware.
    "aijuu_site.middleware.OldAddressesMiddleware",
]

ROOT_URLCONF = "aijuu_site.urls"
WSGI_APPLICATION = "aijuu_site.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "home.menus.site_context",
            ],
            "builtins": ["home.templatetags.finnish_dates"],
        },
    },
]

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "KEY_FUNCTION": "aijuu_site.kept_pages.generation.cache_key",
    }
}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["name", "email"]},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "aijuu_site.accounts.passwords.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
AUTHENTICATION_BACKENDS = ["aijuu_site.accounts.passwords.CountingBackend"]
LOGIN_URL = "wagtailadmin_login"
# Where a step of the login redirects a person who is already signed in, for example after the Back button.
LOGIN_REDIRECT_URL = "wagtailadmin_home"
# Only django-allauth's second step and its list of logins are used; its forms for passwords have no URL.
ACCOUNT_ADAPTER = "aijuu_site.accounts.second_step.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_ENABLED = False
ACCOUNT_EMAIL_VERIFICATION = "none"
# Allauth counts in the cache, which each process has for itself. aijuu_site.accounts.passwords counts instead.
ACCOUNT_RATE_LIMITS = MFA_RATE_LIMITS = False
MFA_ADAPTER = "aijuu_site.accounts.second_step.MFAAdapter"
MFA_FORMS = {
    "authenticate": "aijuu_site.accounts.second_step.AuthenticateForm",
    "activate_totp": "aijuu_site.accounts.second_step.ActivateTOTPForm",
}
# Passkeys are bound to a host name, which an IP address is not.
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", *(["webauthn"] if has_host_name(SITE_URL) else [])]
MFA_TOTP_TOLERANCE = 1
# aijuu_site.accounts.confirmation does this instead.
MFA_REAUTHENTICATION_REQUIRED = False
# Django's upper limit in seconds. aijuu_site.accounts.password_reset has the actual limits; a link works once.
PASSWORD_RESET_TIMEOUT = 60 * 60 * 24 * 7

LANGUAGE_CODE = "fi"
LANGUAGES = [("fi", "suomi")]
LOCALE_PATHS = [BASE_DIR / "aijuu_site" / "locale", BASE_DIR / "aijuu_site" / "wagtail_locale"]
TIME_ZONE = "Europe/Helsinki"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
# deploy/build.sh puts the collected files into the release, so that a start has nothing to collect.
BUILT_STATIC = BASE_DIR / "built_static"
STATIC_ROOT = BUILT_STATIC if BUILT_STATIC.is_dir() else DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# No other site may read our files (Cross-Origin-Resource-Policy prevents it, too).
WHITENOISE_ALLOW_ALL_ORIGINS = False
FILE_UPLOAD_PERMISSIONS = 0o640

WAGTAIL_SITE_NAME = "Aijuu työnohjaus"
WAGTAILADMIN_USER_LOGIN_FORM = "aijuu_site.accounts.forms.LoginForm"
WAGTAILADMIN_USER_PASSWORD_RESET_FORM = "aijuu_site.accounts.forms.PasswordResetForm"  # noqa: S105
# Also for private pages: one login form for all.
WAGTAIL_FRONTEND_LOGIN_URL = f"{ADMIN_PATH}login/"
WAGTAILADMIN_BASE_URL = SITE_URL
# The Finnish formats. The pickers of the admin discard dates in any other.
WAGTAIL_DATE_FORMAT = "%d.%m.%Y"
WAGTAIL_DATETIME_FORMAT = "%d.%m.%Y %H.%M"
WAGTAIL_TIME_FORMAT = "%H.%M"
WAGTAIL_CONTENT_LANGUAGES = LANGUAGES
WAGTAILADMIN_PERMITTED_LANGUAGES = LANGUAGES
WAGTAIL_GRAVATAR_PROVIDER_URL = None
WAGTAILSEARCH_BACKENDS = {"default": {"BACKEND": "aijuu_site.admin_search"}}
WAGTAIL_ENABLE_UPDATE_CHECK = False
WAGTAIL_ENABLE_WHATS_NEW_BANNER = False
WAGTAIL_USER_TIME_ZONES = [TIME_ZONE]
# Enough for the photos of a 48-megapixel phone. A larger image is refused before it is decoded.
WAGTAILIMAGES_MAX_UPLOAD_SIZE = 15 * 1024 * 1024
WAGTAILIMAGES_MAX_IMAGE_PIXELS = 60_000_000
PREPARE_PICTURES_IN_BACKGROUND = True
WAGTAILIMAGES_IMAGE_MODEL = "home.Picture"
WAGTAILIMAGES_IMAGE_FORM_BASE = "home.images.upload.PictureForm"
WAGTAILIMAGES_RENDITION_STORAGE = "pictures"
# Other formats of phones and cameras are converted to JPEG or PNG (home.images.upload).
WAGTAILIMAGES_EXTENSIONS = [
    *("avif", "gif", "jpg", "jpeg", "png", "webp", "svg"),
    *("apng", "heic", "heif", "hif", "jfif", "jpe", "mpo"),
]
WAGTAILDOCS_EXTENSIONS = ["pdf"]
# Through a view, which checks whether the collection is private.
WAGTAILDOCS_SERVE_METHOD = "serve_view"
WAGTAILADMIN_RICH_TEXT_EDITORS = {"default": {"WIDGET": "home.editing.TextEditor"}}
WAGTAIL_ALLOW_UNICODE_SLUGS = False
WAGTAIL_WORKFLOW_ENABLED = False
WAGTAIL_PASSWORD_REQUIRED_TEMPLATE = "home/password_required.html"  # noqa: S105 (a file)
# To delete a page with pages below it, the user has to type the name of the site.
WAGTAILADMIN_UNSAFE_PAGE_DELETION_LIMIT = 2
WAGTAILADMIN_COMMENTS_ENABLED = False

# Only the admin and pages with a password set cookies. Messages are kept in the session and need none.
SESSION_COOKIE_NAME = cookie_name("sessionid", https=HTTPS)
CSRF_COOKIE_NAME = cookie_name("csrftoken", https=HTTPS)
# Distinguishes a known browser from a new one, for a year (aijuu_site.accounts.notices). Sent only to the admin.
DEVICE_COOKIE_NAME = "__Secure-device" if HTTPS else "device"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
# Not Strict: a link in a mail to the supervisor must find her signed in.
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 60 * 60 * 12
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
CSRF_TRUSTED_ORIGINS = [SITE_URL]

SECURE_SSL_REDIRECT = HTTPS
# aijuu_site.middleware.SiteAddressMiddleware redirects; Django's only sets headers.
SECURE_REDIRECT_EXEMPT = [""]
SECURE_HSTS_SECONDS = 60 * 60 * 24 * 365 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HSTS in ("subdomains", "preload")
SECURE_HSTS_PRELOAD = HSTS == "preload"
# By default neither is set: other host names of the domain, such as mail, may not support https.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "base-uri": [NONE],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "img-src": [SELF],
        "manifest-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
    }
}
# Wagtail's admin sets styles from scripts and its templates, shows previews in frames, and uploads from blobs.
ADMIN_CONTENT_SECURITY_POLICY = {
    "default-src": [NONE],
    "base-uri": [NONE],
    "connect-src": [SELF],
    "font-src": [SELF],
    "form-action": [SELF],
    "frame-ancestors": [SELF],
    "frame-src": [SELF],
    "img-src": [SELF, "blob:", "data:"],
    "manifest-src": [SELF],
    "script-src": [SELF, UNSAFE_INLINE],
    "style-src": [SELF, UNSAFE_INLINE],
}

# Far above the longest message (100 kB), which gets a validation error. A larger request is refused as a whole.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"chosen": {"()": f"aijuu_site.logs.{'JsonFormatter' if LOG_FORMAT == 'json' else 'LineFormatter'}"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "chosen"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        # "Not found" calls for no action.
        "django.request": {"level": "ERROR"},
        # Would log the id of each passkey, which identifies a person.
        "fido2": {"level": "WARNING"},
        # Would log each background task of Wagtail, which run immediately here.
        "django_tasks": {"level": "WARNING"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        # Would log each attempt of the pool to connect; the caller gets the final error.
        "psycopg.pool": {"level": "ERROR"},
    },
}
