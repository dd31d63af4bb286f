"""Wagtail calls the top of its trees "Root"; choosers, breadcrumbs and the forms of pictures show it."""

from django.db import migrations


def give_finnish_names(apps, schema_editor):
    pages = apps.get_model("wagtailcore", "Page").objects.filter(depth=1, title="Root")
    pages.update(title="Sivusto", draft_title="Sivusto")
    apps.get_model("wagtailcore", "Collection").objects.filter(depth=1, name="Root").update(name="Yleinen")


class Migration(migrations.Migration):
    dependencies = [("home", "0007_picture")]

    operations = [migrations.RunPython(give_finnish_names, migrations.RunPython.noop)]
