"""Admin accounts for the tests, besides the one of the first start. They have only the permissions of their groups."""

from dataclasses import dataclass

from playwright.sync_api import Page

from tests.browser.waits import next_document


@dataclass(frozen=True)
class Account:
    email: str
    group: str
    password: str = "lumi-natisee-askelten-alla-9"
    name: str = ""


SUPERVISOR = Account("kati.levola@example.fi", "Työnohjaaja", name="Kati")
EDITOR = Account("sisko@example.fi", "Sisällöntuottaja", name="Sisko")

# For `manage.py shell -c`.
MAKE_PEOPLE = ("from django.contrib.auth.models import Group\nfrom aijuu_site.accounts.models import User\n") + "".join(
    f"User.objects.create_user({account.email!r}, {account.password!r}, name={account.name!r})"
    f".groups.add(Group.objects.get(name={account.group!r}))\n"
    for account in (SUPERVISOR, EDITOR)
)


def sign_in(page: Page, account: Account) -> None:
    """Fill and submit the login form on the page, and wait until the next page has loaded."""
    page.locator("input[name=username]").fill(account.email)
    page.locator("input[name=password]").fill(account.password)
    with next_document(page):
        page.locator("button[type=submit]").first.click()
