"""The first rows: the two groups of the admin, in place of Wagtail's own, the settings, and the key of stored hashes."""

from django.db import migrations

from intake.mailbox import new_key

SUPERVISOR, EDITOR = "Työnohjaaja", "Sisällöntuottaja"

PAGE_PERMISSIONS = ["add_page", "change_page", "publish_page", "bulk_delete_page", "lock_page", "unlock_page"]
IMAGE_PERMISSIONS = ["add_image", "change_image", "choose_image", "delete_image"]

# (app, model, codename, name) as in Django. Created here, because Django creates permissions after the migrations.
ADMIN_ACCESS = ("wagtailadmin", "admin", "access_admin", "Can access Wagtail admin")
SUPERVISOR_PERMISSIONS = [
    ("home", "contactdetails", "change_contactdetails", "Can change contact details"),
    ("home", "pausenotice", "change_pausenotice", "Can change pause notice"),
    ("home", "footermenu", "change_footermenu", "Can change footer menu"),
    ("intake", "intakesettings", "change_intakesettings", "Can change enquiry settings"),
    ("intake", "enquiry", "view_enquiry", "Can view enquiry"),
    ("intake", "enquiry", "change_enquiry", "Can change enquiry"),
    ("intake", "enquiry", "delete_enquiry", "Can delete enquiry"),
    ("intake", "enquiry", "export_enquiry", "Can export enquiries"),
]


def permission(apps, app_label, model, codename, name):
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label=app_label, model=model
    )
    found, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=content_type, codename=codename, defaults={"name": name}
    )
    return found


def make_groups(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    # From the home page down: the root of the page tree is of no use to her.
    front_page = apps.get_model("wagtailcore", "Site").objects.get(is_default_site=True).root_page
    root_collection = apps.get_model("wagtailcore", "Collection").objects.get(depth=1)
    for name, extra in ((SUPERVISOR, SUPERVISOR_PERMISSIONS), (EDITOR, [])):
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(*(permission(apps, *parts) for parts in [ADMIN_ACCESS, *extra]))
        for codename in PAGE_PERMISSIONS:
            apps.get_model("wagtailcore", "GroupPagePermission").objects.get_or_create(
                group=group,
                page=front_page,
                permission=permission(apps, "wagtailcore", "page", codename, f"Can {codename.replace('_', ' ')}"),
            )
        for codename in IMAGE_PERMISSIONS:
            apps.get_model("wagtailcore", "GroupCollectionPermission").objects.get_or_create(
                group=group,
                collection=root_collection,
                permission=permission(apps, "wagtailimages", "image", codename, f"Can {codename.replace('_', ' ')}"),
            )
    # The row of the settings, so that no request of a visitor has to create it.
    apps.get_model("intake", "IntakeSettings").objects.get_or_create()
    # Wagtail's two empty groups would only be confusing.
    Group.objects.filter(name__in=["Moderators", "Editors"], user=None).delete()


def make_hash_key(apps, schema_editor):
    apps.get_model("intake", "HashKey").objects.create(pk=1, secret=new_key())


class Migration(migrations.Migration):
    dependencies = [
        ("intake", "0001_initial"),
        ("home", "0002_first_page"),
        ("wagtailadmin", "0001_create_admin_access_permissions"),
        # Wagtail's migration 0011 gives all existing groups permissions for documents, which are not used here.
        ("wagtaildocs", "0014_alter_document_file_size"),
        ("wagtailimages", "0025_alter_image_file_alter_rendition_file"),
    ]

    # Undone with the tables that the first migrations take away.
    operations = [
        migrations.RunPython(make_groups, migrations.RunPython.noop),
        migrations.RunPython(make_hash_key, migrations.RunPython.noop),
    ]
