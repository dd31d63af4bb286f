"""Page addresses: checks that one is free when an editor saves or copies a page, or publishes several drafts."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from wagtail.admin import messages
from wagtail.admin.forms.pages import CopyForm, WagtailAdminPageForm
from wagtail.admin.views.pages.bulk_actions import PublishBulkAction
from wagtail.models import Page, Revision

from home.dates import finnish_moment
from home.editors_text import valid_id

TAKEN_ADDRESS = _("The site itself needs this address. Choose another one.")


def is_taken_address(slug: str) -> bool:
    """Return whether the site serves something else at the address of a page with this slug."""
    # Responses below these are handled as files: a page at /static/ would stay in the page cache after a change.
    if f"/{slug}/" in (settings.STATIC_URL, settings.MEDIA_URL):
        return True
    try:
        return resolve(f"/{slug}/").url_name != "wagtail_serve"
    except Resolver404:
        return False


def refuse_scheduled_address(slug: str, *, parent: Page, page: Page | None = None) -> None:
    """Raise ValidationError if a version of another page below `parent` is scheduled with this slug.

    Wagtail compares the slug with stored pages only. Then the scheduled version could not be published at its time.
    Call this for an editor's input only: a scheduled version that is being published has reserved its own slug.
    """
    scheduled = Revision.page_revisions.filter(approved_go_live_at__isnull=False, content__slug=slug)
    for revision in scheduled.order_by("approved_go_live_at"):
        other = Page.objects.filter(pk=valid_id(revision.object_id)).first()
        if other is not None and (page is None or other.pk != page.pk) and other.is_child_of(parent):
            raise ValidationError(
                gettext("The page “%(title)s” gets this address on %(moment)s. Choose another one.")
                % {"title": other.title, "moment": finnish_moment(revision.approved_go_live_at)},
                code="scheduled",
            )


class PageForm(WagtailAdminPageForm):  # type: ignore[misc]
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        if self.parent_page is not None and cleaned.get("slug"):
            try:
                refuse_scheduled_address(cleaned["slug"], parent=self.parent_page, page=self.instance)
            except ValidationError as refusal:
                self.add_error("slug", refusal)
        return cleaned


class PageCopyForm(CopyForm):  # type: ignore[misc]
    def clean_new_slug(self) -> str:
        slug: str = self.cleaned_data["new_slug"]
        if is_taken_address(slug):
            raise ValidationError(TAKEN_ADDRESS, code="taken")
        return slug

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        if slug := cleaned.get("new_slug"):
            try:
                refuse_scheduled_address(slug, parent=cleaned.get("new_parent_page") or self.page.get_parent())
            except ValidationError as refusal:
                self.add_error("new_slug", refusal)
        return cleaned


class PublishSeveral(PublishBulkAction):  # type: ignore[misc]
    """Publish all chosen drafts or none.

    Wagtail's action answers 500 where a draft is invalid, for example because its address has been taken meanwhile.
    """

    def check_perm(self, page: Page) -> bool:
        """Refuse an alias. It has no versions; it is published with its source."""
        return page.alias_of_id is None and bool(super().check_perm(page))

    @classmethod
    def execute_action(
        cls, objects: list[Page], include_descendants: bool = False, user: Any = None, **kwargs: Any
    ) -> tuple[int, int]:
        chosen = {page.pk: page for page in objects}
        below = {
            draft.pk: draft
            for page in (chosen.values() if include_descendants else ())
            for draft in page.get_descendants().not_live().filter(alias_of=None)
            if draft.pk not in chosen and (user is None or draft.permissions_for_user(user).can_publish())
        }
        # One by one, because two of these may take, or be scheduled to take, the same address. The view calls this in a
        # transaction, so an error undoes all of it.
        for page in (*chosen.values(), *below.values()):
            _refuse_draft(page)
            super().execute_action([page], user=user, **kwargs)
        return len(chosen), len(below)

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            return super().form_valid(form)
        except ValidationError as refusal:
            reason = " ".join(refusal.messages)
            messages.error(self.request, gettext("Nothing was published. %(reason)s") % {"reason": reason})
            return redirect(self.next_url)


def _refuse_draft(page: Page) -> None:
    """Raise a ValidationError that names the page if its latest version can't be published."""
    draft = page.get_latest_revision_as_object()
    try:
        draft.full_clean()
        refuse_scheduled_address(draft.slug, parent=draft.get_parent(), page=draft)
    except ValidationError as refusal:
        reason = " ".join(refusal.messages)
        raise ValidationError(
            gettext("The page “%(title)s”: %(reason)s") % {"title": draft.title, "reason": reason}
        ) from refusal
