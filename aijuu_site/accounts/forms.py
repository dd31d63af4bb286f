"""The admin's forms that take a password or request a new one."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.forms.models import model_to_dict
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from wagtail.admin.forms.account import LocalePreferencesForm, NameEmailForm, ThemePreferencesForm
from wagtail.admin.forms.auth import LoginForm as WagtailLoginForm
from wagtail.admin.forms.auth import PasswordChangeForm as WagtailPasswordChangeForm
from wagtail.admin.forms.auth import PasswordResetForm as WagtailPasswordResetForm
from wagtail.users.forms import UserCreationForm as WagtailUserCreationForm
from wagtail.users.forms import UserEditForm as WagtailUserEditForm

from aijuu_site.accounts.models import User
from aijuu_site.accounts.password_reset import request_password_reset
from aijuu_site.accounts.passwords import Busy, TooManyAttempts, is_own_password, refusal_words
from home.shown_values import SeenValues
from home.text_input import AddressFormField
from intake.rate_limit import address_key


class LoginForm(WagtailLoginForm):
    """Adds the label that Wagtail's password field lacks. A malformed address gets the same error as a wrong one."""

    username = forms.CharField(
        label=_("E-mail address"),
        widget=forms.EmailInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "autocorrect": "off", "spellcheck": "false"}
        ),
    )
    error_messages: ClassVar[dict[str, Any]] = {
        **WagtailLoginForm.error_messages,
        "invalid_login": _("The e-mail address or the password is wrong. Try again."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Wagtail's placeholders repeat the labels in other words.
        for name in ("username", "password"):
            self.fields[name].widget.attrs.pop("placeholder", None)
        self.fields["password"].label = _("Password")
        self.fields["password"].widget.attrs["autocomplete"] = "current-password"

    @property
    def refusal(self) -> TooManyAttempts | Busy | None:
        """Why the password was not checked; None if it was."""
        return getattr(self.request, "refused_sign_in", None)

    def get_invalid_login_error(self) -> ValidationError:
        if self.refusal:
            return ValidationError(refusal_words(self.refusal), code="refused")
        return super().get_invalid_login_error()


class _AddressByOurRule:
    """A form of Wagtail's that accepts only an e-mail address that our mails can reach (home.text_input)."""

    fields: dict[str, forms.Field]
    # What a browser may fill in (WCAG 1.3.5); "off" for another person's address.
    email_autocomplete = "off"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        theirs = self.fields["email"]
        ours = AddressFormField(label=theirs.label, required=theirs.required, help_text=theirs.help_text)
        ours.widget.attrs["autocomplete"] = self.email_autocomplete
        self.fields["email"] = ours


class _OneAccount(_AddressByOurRule):
    """A form of Wagtail's for one account, whose e-mail address no other account may have."""

    instance: User
    cleaned_data: dict[str, Any]

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if User.objects.of_address(email).exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("Another account has this e-mail address."), code="unique")
        return email


class UserCreationForm(_OneAccount, WagtailUserCreationForm):
    """Creates an account without a password: the person gets a link to choose one."""

    first_name = last_name = None
    password_enabled = False

    def save(self, commit: bool = True) -> User:
        self.instance.set_unusable_password()
        user: User = super().save(commit=commit)
        return user

    class Meta(WagtailUserCreationForm.Meta):
        fields = ("email", "name", "is_superuser", "groups")


class UserEditForm(SeenValues, _OneAccount, WagtailUserEditForm):
    first_name = last_name = None

    class Meta(WagtailUserEditForm.Meta):
        fields = ("email", "name", "is_active", "is_superuser", "groups")


class PasswordResetForm(_AddressByOurRule, WagtailPasswordResetForm):
    """Wagtail's form sends the mail during the request; this one leaves that to the worker."""

    email_autocomplete = "username"

    def save(self, *, request: HttpRequest, **_options: Any) -> None:
        request_password_reset(email=self.cleaned_data["email"], address_key=address_key(request), now=timezone.now())


def require_own_password(request: HttpRequest, password: str) -> None:
    """Raise a ValidationError with a readable message unless this is the signed-in person's password."""
    try:
        right = is_own_password(request, password)
    except (TooManyAttempts, Busy) as refusal:
        raise ValidationError(refusal_words(refusal), code="refused") from refusal
    if not right:
        raise ValidationError(_("This is not your present password."), code="wrong_password")


class ConfirmationForm(forms.Form):
    """Asks the signed-in person for their password once more."""

    confirm_password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_confirm_password(self) -> str:
        password: str = self.cleaned_data["confirm_password"]
        require_own_password(self.request, password)
        return password


class _OwnSettings(SeenValues):
    """A form for one part of one's own account. All parts are saved together, also those unchanged in this window."""

    def __init__(self, *args: Any, instance: Model, **kwargs: Any) -> None:
        # Read from the database: Wagtail validates a second time to show errors, and the instance has the typed values
        # by then.
        stored = model_to_dict(self._meta.model._default_manager.get(pk=instance.pk), fields=self._meta.fields)
        super().__init__(*args, instance=instance, initial=stored, **kwargs)


class OwnLocaleForm(_OwnSettings, LocalePreferencesForm):
    class Meta(LocalePreferencesForm.Meta):
        pass


class OwnThemeForm(_OwnSettings, ThemePreferencesForm):
    class Meta(ThemePreferencesForm.Meta):
        pass


class OwnNameEmailForm(_OwnSettings, _OneAccount, NameEmailForm):
    """One's own name and e-mail address. A new address requires the password: resets are mailed there."""

    current_password = forms.CharField(
        label=_("Your present password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text=_("Needed only when you change the e-mail address."),
    )
    first_name = last_name = None
    email_autocomplete = "email"

    class Meta(NameEmailForm.Meta):
        fields = ("name", "email")

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors or cleaned["email"] == self.initial["email"]:
            return cleaned
        password = cleaned.get("current_password", "")
        try:
            if not password:
                raise ValidationError(_("Changing the e-mail address needs your present password."), code="required")
            require_own_password(self.request, password)
        except ValidationError as error:
            self.add_error("current_password", error)
        return cleaned


class OwnPasswordForm(WagtailPasswordChangeForm):
    """Changes one's own password. The current one is checked as everywhere: counted, and one hash at a time."""

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_old_password(self) -> str:
        password: str = self.cleaned_data["old_password"]
        if not password:
            raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        require_own_password(self.request, password)
        return password
