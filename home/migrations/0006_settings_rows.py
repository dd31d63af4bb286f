"""The one row of each settings model: no visitor's page has to write it."""

from django.db import migrations


def make_rows(apps, schema_editor):
    for model in ("ContactDetails", "PauseNotice"):
        apps.get_model("home", model).objects.get_or_create()


class Migration(migrations.Migration):
    dependencies = [("home", "0005_pause_engine")]

    operations = [migrations.RunPython(make_rows, migrations.RunPython.noop)]
