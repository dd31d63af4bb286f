"""The list of accounts in the admin."""

from django import forms
from wagtail.users.views.users import UserViewSet as WagtailUserViewSet

from aijuu_site.accounts.forms import UserCreationForm, UserEditForm


class UserViewSet(WagtailUserViewSet):
    def get_form_class(self, for_update: bool = False) -> type[forms.ModelForm]:
        return UserEditForm if for_update else UserCreationForm
