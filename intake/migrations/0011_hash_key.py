"""Keep the key of the stored hashes in the database, and make the mailbox keys anew with it."""

from typing import Any

from django.db import migrations, models

from intake.mailbox import hash_with, new_key
from intake.mailbox import PURPOSE, mailbox_of


def make_keys(apps: Any, schema_editor: Any) -> None:
    key = apps.get_model("intake", "HashKey").objects.create(pk=1, secret=new_key())
    for place in apps.get_model("intake", "WaitingPlace").objects.select_related("enquiry"):
        place.mailbox_key = hash_with(key.secret, PURPOSE, mailbox_of(place.enquiry.email))
        place.save(update_fields=["mailbox_key"])


class Migration(migrations.Migration):
    dependencies = [("intake", "0010_mail_at_least_once")]
    operations = [
        migrations.CreateModel(
            name="HashKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("secret", models.CharField(max_length=100)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.RunPython(make_keys, migrations.RunPython.noop),
    ]
