"""A site made by `wagtail start`, with a form page of Wagtail's form builder, for comparison in the measurements."""

import os
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

from tests.tools.running_site import free_port

FORM_PATH = "/lomake/"
_MODELS = """
from django.db import models
from modelcluster.fields import ParentalKey
from wagtail.contrib.forms.models import AbstractForm, AbstractFormField
from wagtail.models import Page


class HomePage(Page):
    pass


class FormField(AbstractFormField):
    page = ParentalKey("FormPage", on_delete=models.CASCADE, related_name="form_fields")


class FormPage(AbstractForm):
    template = "home/form_page.html"
    landing_page_template = "home/thanks.html"
"""
_FORM = """{% extends "base.html" %}{% block content %}
<form action="{{ page.url }}" method="post">{% csrf_token %}{{ form.as_p }}<button>Send</button></form>
{% endblock %}"""
_THANKS = """{% extends "base.html" %}{% block content %}<h1>Thank you</h1>{% endblock %}"""
_CONTENT = """
from home.models import FormField, FormPage, HomePage

page = HomePage.objects.get().add_child(instance=FormPage(title="Lomake", slug="lomake"))
for number, (name, kind, choices) in enumerate([
    ("name", "singleline", ""), ("email", "email", ""), ("phone", "singleline", ""), ("organisation", "singleline", ""),
    ("supervision_form", "radio", "individual,group,work_community,undecided"),
    ("delivery_modes", "checkboxes", "online,client_premises,pori_premises,undecided"),
    ("preferred_contact", "radio", "email,phone"), ("message", "multiline", ""),
]):
    FormField.objects.create(
        page=page, sort_order=number, label=name, clean_name=name, field_type=kind, choices=choices, required=False
    )
"""


class WagtailStart:
    """The site in `folder`, served by `command` (with "{port}"). `database`: Django's database settings."""

    def __init__(self, folder: Path, *, database: dict[str, str] | None, command: list[str]) -> None:
        self._folder = folder
        self.port = free_port()
        self._command = [part.format(port=self.port) for part in command]
        self._make(database)
        self.process = subprocess.Popen(
            self._command, cwd=folder, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._wait_until_answering()

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "DJANGO_SETTINGS_MODULE": "peer.settings.production", "PYTHONPATH": str(self._folder)}

    def _make(self, database: dict[str, str] | None) -> None:
        self._folder.mkdir()
        wagtail = str(Path(sys.executable).parent / "wagtail")
        subprocess.run([wagtail, "start", "peer", str(self._folder)], check=True, capture_output=True)
        settings = 'SECRET_KEY = "only-for-this-measurement"\nALLOWED_HOSTS = ["*"]\n'
        if database:
            settings += f"DATABASES = {{'default': {database!r}}}\n"
        (self._folder / "peer" / "settings" / "local.py").write_text(settings)
        (self._folder / "home" / "models.py").write_text(_MODELS)
        templates = self._folder / "home" / "templates" / "home"
        (templates / "form_page.html").write_text(_FORM)
        (templates / "thanks.html").write_text(_THANKS)
        for arguments in (
            ["makemigrations", "home"],
            ["migrate"],
            ["collectstatic", "--noinput"],
            ["shell", "--no-imports", "-c", _CONTENT],
        ):
            self._manage(*arguments)

    def _manage(self, *arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"manage.py {' '.join(arguments[:1])} failed:\n{done.stderr}")

    def _wait_until_answering(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.port}{FORM_PATH}"):
                return
            time.sleep(0.2)
        self.stop()
        raise RuntimeError("the peer did not start")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
