"""The Content-Security-Policy of public pages, of the admin, and of files."""

from typing import Any

from csp.constants import NONCE, NONE, SELF, UNSAFE_INLINE

PUBLIC_POLICY: dict[str, Any] = {
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

# Wagtail's admin sets styles from scripts and its templates, shows previews in frames, and uploads from blobs.
ADMIN_POLICY: dict[str, Any] = {
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

# An uploaded SVG may contain a script: opened on its own, it must run and load nothing.
MEDIA_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
