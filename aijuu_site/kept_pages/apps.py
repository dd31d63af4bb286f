from django.apps import AppConfig


class KeptPagesConfig(AppConfig):
    name = "aijuu_site.kept_pages"

    def ready(self) -> None:
        # Imports models, which are loaded only now.
        from aijuu_site.kept_pages.generation import watch_writes

        watch_writes()
