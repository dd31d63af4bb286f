from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

STATUSES = ["new", "in_review", "awaiting_reply", "mapping_scheduled", "offer_sent", "waiting_list", "closed"]
STATUS_LABELS = [
    "New",
    "In review",
    "Awaiting reply",
    "Mapping scheduled",
    "Offer sent",
    "On the waiting list",
    "Closed",
]
KINDS = [
    ("status", "The status was changed"),
    ("accepted", "Marked as an ordinary enquiry"),
    ("note_saved", "The note was changed"),
    ("note_emptied", "The note was emptied"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("intake", "0002_groups"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="enquiry",
            name="repeat_key",
            field=models.CharField(editable=False, max_length=64, null=True, unique=True),
        ),
        # Every step so far was a change of status.
        migrations.RenameModel(old_name="StatusChange", new_name="EnquiryStep"),
        migrations.AlterField(
            model_name="enquirystep",
            name="enquiry",
            field=models.ForeignKey(on_delete=models.CASCADE, related_name="steps", to="intake.enquiry"),
        ),
        migrations.AddField(
            model_name="enquirystep",
            name="kind",
            field=models.CharField(choices=KINDS, default="status", max_length=20),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="enquirystep",
            name="status",
            field=models.CharField(
                blank=True,
                choices=list(zip(STATUSES, STATUS_LABELS, strict=True)),
                max_length=20,
                verbose_name="status",
            ),
        ),
        migrations.AddConstraint(
            model_name="enquirystep",
            constraint=models.CheckConstraint(
                condition=Q(
                    Q(kind="status", status__in=STATUSES),
                    Q(
                        ("kind__in", [kind for kind, _label in KINDS]),
                        ~Q(kind="status"),
                        ("outcome", ""),
                        ("status", ""),
                    ),
                    _connector=Q.OR,
                ),
                name="step_status_only_of_its_kind",
            ),
        ),
    ]
