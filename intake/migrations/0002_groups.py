"""The two groups of people who work in the admin, in place of Wagtail's own two, the row of the settings, and the key of stored hashes."""

from django.db import migrations

from intake.mailbox import new_key

SUPERVISOR, EDITOR = "Työnohjaaja", "Sisällöntuottaja"

PAGE_PERMISSIONS = ["add_page", "change_page", "publish_page", "bulk_delete_page", "lock_page", "unlock_page"]
IMAGE_PERMISSIONS = ["add_image", "change_image", "choose_image", "delete_image"]

# (app, model, codename, name) as Django names them; made here because migrations run before it makes them itself.
ADMIN_ACCESS = ("wagtailadmin", "admin", "access_admin", "Can access Wagtail admin")
SUPERVISOR_PERMISSIONS = [
    ("home", "contactdetails", "change_contactdetails", "Can change contact details"),
    ("home", "pausenotice", "change_pausenotice", "Can change pause notice"),
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
    # The front page and below: the tree's root, which is no page of hers, stays out of her sight.
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
    # The one row of the settings: no visitor's page has to write it.
    apps.get_model("intake", "IntakeSettings").objects.get_or_create()
    # Two groups that nobody is in would only puzzle her.
    Group.objects.filter(name__in=["Moderators", "Editors"], user=None).delete()


def make_hash_key(apps, schema_editor):
    apps.get_model("intake", "HashKey").objects.create(pk=1, secret=new_key())


class Migration(migrations.Migration):
    dependencies = [
        ("intake", "0001_initial"),
        ("home", "0002_first_page"),
        ("wagtailadmin", "0001_create_admin_access_permissions"),
        # Its 0011 gives every group that is there a permission for documents, which nobody uses here.
        ("wagtaildocs", "0014_alter_document_file_size"),
        ("wagtailimages", "0025_alter_image_file_alter_rendition_file"),
    ]

    operations = [migrations.RunPython(make_groups), migrations.RunPython(make_hash_key)]
