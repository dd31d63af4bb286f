from django.apps import AppConfig


class AijuuSiteConfig(AppConfig):
    """How the site runs: start, headers, start-up commands. It knows both apps; they do not know it."""

    name = "aijuu_site"
    verbose_name = "Aijuu"
