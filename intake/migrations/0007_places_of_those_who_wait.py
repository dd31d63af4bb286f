"""Give everybody whose status was "on the waiting list" already a place in it, in the order of arrival."""

from typing import Any

from django.db import migrations


def give_places(apps: Any, schema_editor: Any) -> None:
    waiting = apps.get_model("intake", "Enquiry").objects.filter(status="waiting_list", waiting=None)
    places = apps.get_model("intake", "WaitingPlace").objects
    for rank, enquiry in enumerate(waiting.order_by("received_at", "pk"), start=1):
        places.create(
            enquiry=enquiry,
            joined_at=enquiry.received_at,
            confirmed_at=enquiry.received_at,
            rank=rank,
            # The hash is made by a later migration, with the key that stands in the database.
            mailbox_key=str(enquiry.pk),
        )


class Migration(migrations.Migration):
    dependencies = [("intake", "0006_waiting_list")]
    operations = [migrations.RunPython(give_places, migrations.RunPython.noop)]
