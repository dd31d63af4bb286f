"""What visitors read, one concept a file."""

from home.models.base import AlwaysPublic, BasePage
from home.models.checklist_mark import ChecklistMark
from home.models.contact_details import ContactDetails
from home.models.content_page import ContentPage
from home.models.home_page import HomePage
from home.models.loaded_content import LoadedContent
from home.models.pause_notice import PauseChange, PauseDeed, PauseNotice
from home.models.picture import Picture
from home.models.service_page import ServicePage

__all__ = [
    "AlwaysPublic",
    "BasePage",
    "ChecklistMark",
    "ContactDetails",
    "ContentPage",
    "HomePage",
    "LoadedContent",
    "PauseChange",
    "PauseDeed",
    "PauseNotice",
    "Picture",
    "ServicePage",
]
