"""Enquiries as a spreadsheet: in Finnish, in Finnish time, and without formulas."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from home.dates import finnish_day, finnish_time
from home.email_address import readable_address
from intake.enquiry.models import Enquiry
from intake.mapping.reading import SentMapping, read_mapping
from intake.typed_text import dialled_phone
from intake.waiting.models import WaitingPlace
from intake.waiting.reading import places_on_the_list

# Characters that start a formula in some spreadsheet (OWASP, CSV Injection), including full-width forms.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# Not allowed in XML 1.0 (2.2 Characters): one such character makes the whole workbook unreadable.
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DATE_FORMAT = "d.m.yyyy h:mm"
# The limit of an Excel cell (Microsoft, "Excel specifications and limits"); CSV has none.
_LONGEST_CELL = 32_767
Cell = str | int | datetime | None
_COLUMNS: list[tuple[object, Callable[[Enquiry], Cell]]] = [
    (_("Reference"), lambda enquiry: enquiry.reference),
    (_("Received"), lambda enquiry: _local(enquiry.received_at)),
    (_("Status"), lambda enquiry: enquiry.get_status_display()),
    (_("Outcome"), lambda enquiry: enquiry.get_outcome_display()),
    (_("Closed"), lambda enquiry: _local(enquiry.closed_at)),
    (_("Removed by itself on"), lambda enquiry: finnish_day(enquiry.remove_on)),
    (_("Kind"), lambda enquiry: enquiry.get_kind_display()),
    (_("Verdict"), lambda enquiry: enquiry.get_verdict_display()),
    (_("Place on the waiting list"), lambda enquiry: enquiry.waiting_number),  # type: ignore[attr-defined]
    (_("Came to the waiting list"), lambda enquiry: _joined_at(enquiry)),
    (_("Wants mail of the return"), lambda enquiry: _wants_mail(enquiry)),
    (_("Told of the return"), lambda enquiry: _notified_at(enquiry)),
    (_("Reason for moving ahead"), lambda enquiry: _move_reason(enquiry)),
    (_("Name"), lambda enquiry: enquiry.name),
    (_("E-mail address"), lambda enquiry: readable_address(enquiry.email)),
    (_("Phone number"), lambda enquiry: dialled_phone(enquiry.phone)),
    (_("Organisation"), lambda enquiry: enquiry.organisation),
    (_("Form of supervision"), lambda enquiry: enquiry.get_supervision_form_display()),
    (_("Where to meet"), lambda enquiry: ", ".join(enquiry.delivery_mode_labels)),
    (_("Size of the group"), lambda enquiry: enquiry.group_size),
    (_("Place"), lambda enquiry: enquiry.place),
    (_("Area"), lambda enquiry: enquiry.get_area_display()),
    (_("Payer"), lambda enquiry: enquiry.payer),
    (_("Preferred way of contact"), lambda enquiry: enquiry.get_preferred_contact_display()),
    (_("Message"), lambda enquiry: enquiry.message),
    (_("Initial mapping arrived"), lambda enquiry: _mapping_arrived(enquiry)),
    (_("Answers of the initial mapping"), lambda enquiry: _answers(enquiry)),
    (_("Notes for the first meeting"), lambda enquiry: _preparation_notes(enquiry)),
    (_("Note"), lambda enquiry: enquiry.note),
]


def spreadsheet_response(enquiries: Iterable[Enquiry], file_format: str, now: datetime) -> HttpResponse:
    """Return the file to download. `file_format`: "csv" or "xlsx"; raises KeyError for another."""
    writer, content_type = {
        "csv": (_csv, "text/csv; charset=utf-8"),
        "xlsx": (_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    }[file_format]
    response = HttpResponse(writer(_numbered(enquiries)), content_type=content_type)
    filename = f"yhteydenotot-{timezone.localdate(now).isoformat()}.{file_format}"
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    response["Cache-Control"] = "no-store, private"
    return response


def _numbered(enquiries: Iterable[Enquiry]) -> Iterator[Enquiry]:
    """Yield the enquiries with `waiting_number`: the position on the waiting list, starting at 1, or None."""
    numbers = {place.enquiry_id: number for number, place in enumerate(places_on_the_list(), start=1)}
    for enquiry in enquiries:
        enquiry.waiting_number = numbers.get(enquiry.pk)  # type: ignore[attr-defined]
        yield enquiry


def _place(enquiry: Enquiry) -> WaitingPlace | None:
    """Return the current or former place of the enquiry on the waiting list."""
    return getattr(enquiry, "waiting", None)


def _joined_at(enquiry: Enquiry) -> datetime | None:
    place = _place(enquiry)
    return _local(place.joined_at) if place else None


def _notified_at(enquiry: Enquiry) -> datetime | None:
    place = _place(enquiry)
    return _local(place.notified_at) if place else None


def _move_reason(enquiry: Enquiry) -> str:
    place = _place(enquiry)
    return place.move_reason if place else ""


def _wants_mail(enquiry: Enquiry) -> str:
    place = _place(enquiry)
    return "" if place is None else str(_("Yes") if place.wants_mail else _("No"))


def _mapping(enquiry: Enquiry) -> SentMapping | None:
    """Return the sent mapping. Answers of an unsent one are not exported."""
    mapping = read_mapping(enquiry, now=timezone.now())
    return mapping if isinstance(mapping, SentMapping) else None


def _mapping_arrived(enquiry: Enquiry) -> datetime | None:
    mapping = _mapping(enquiry)
    return _local(mapping.sent_at) if mapping else None


def _preparation_notes(enquiry: Enquiry) -> str:
    mapping = _mapping(enquiry)
    return mapping.preparation_notes if mapping else ""


def _answers(enquiry: Enquiry) -> str:
    """Return one line for each answer: the question and the answer."""
    mapping = _mapping(enquiry)
    return "\n".join(
        f"{asked.question.label}: {', '.join(asked.lines)}"
        for step in (mapping.steps if mapping else ())
        for asked in step.questions
        if asked.lines
    )


def without_formula(text: str) -> str:
    """Return `text` such that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _local(moment: datetime | None) -> datetime | None:
    """Return the time in Helsinki without time zone, which spreadsheets do not support."""
    return timezone.localtime(moment).replace(tzinfo=None, second=0, microsecond=0) if moment else None


def _csv(enquiries: Iterable[Enquiry]) -> bytes:
    buffer = io.StringIO()
    # A Finnish Excel expects semicolons. All cells are quoted, so that a typed separator does not split one.
    writer = csv.writer(buffer, delimiter=";", quoting=csv.QUOTE_ALL)
    writer.writerow([str(heading) for heading, _value in _COLUMNS])
    for enquiry in enquiries:
        writer.writerow([_as_text(value(enquiry)) for _heading, value in _COLUMNS])
    # Excel needs the byte-order mark to detect UTF-8.
    return buffer.getvalue().encode("utf-8-sig")


def _as_text(value: Cell) -> str:
    if isinstance(value, datetime):
        return f"{finnish_day(value)} {finnish_time(value)}"
    if isinstance(value, int):
        return str(value)
    return without_formula(value or "")


def _truncated(text: str) -> str:
    """Return the text, truncated with a note if it does not fit in a cell."""
    if len(text) <= _LONGEST_CELL:
        return text
    suffix = str(_("… [cut off: the whole text is on the site and in the CSV file]"))
    return text[: _LONGEST_CELL - len(suffix)] + suffix


def _xlsx(enquiries: Iterable[Enquiry]) -> bytes:
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet("Yhteydenotot")
    sheet.freeze_panes = "A2"
    sheet.append([str(heading) for heading, _value in _COLUMNS])
    for enquiry in enquiries:
        row = []
        for _heading, value in _COLUMNS:
            content = value(enquiry)
            if isinstance(content, str):
                content = _truncated(without_formula(_NOT_IN_XML.sub("\ufffd", content)))
            cell = WriteOnlyCell(sheet, value=content)
            if isinstance(content, datetime):
                cell.number_format = _DATE_FORMAT
            elif isinstance(content, str):
                cell.data_type = "s"
            row.append(cell)
        sheet.append(row)
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()
