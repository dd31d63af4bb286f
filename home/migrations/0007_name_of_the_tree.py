"""Wagtail calls the top of the page tree "Root"; the chooser and the breadcrumbs show it."""

from django.db import migrations


def give_finnish_name(apps, schema_editor):
    tops = apps.get_model("wagtailcore", "Page").objects.filter(depth=1, title="Root")
    tops.update(title="Sivusto", draft_title="Sivusto")


class Migration(migrations.Migration):
    dependencies = [("home", "0006_settings_rows")]

    operations = [migrations.RunPython(give_finnish_name, migrations.RunPython.noop)]
