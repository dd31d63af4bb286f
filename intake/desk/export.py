"""Enquiries as a spreadsheet: in Finnish, in Finnish time, and without formulas."""

import csv
import io
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

from django.db.models import QuerySet, TextChoices
from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import to_excel

from home.dates import finnish_day, finnish_time
from home.text_input import readable_address
from intake.choices import Area, ContactPreference, Kind, Outcome, Status, SupervisionForm, Verdict
from intake.enquiry.models import Enquiry
from intake.mapping.presentation import SentMapping, sent_mapping
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
# How many enquiries are read at once.
_BATCH_SIZE = 200
Cell = str | int | datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One enquiry with its related data. `waiting_number`: its position on the waiting list, starting at 1.

    `place`: its current or former place on the list. `mapping`: its mapping, if that was sent.
    """

    enquiry: Enquiry
    waiting_number: int | None
    place: WaitingPlace | None
    mapping: SentMapping | None


_COLUMNS: list[tuple[object, Callable[[_Row], Cell]]] = [
    (_("Reference"), lambda row: row.enquiry.reference),
    (_("Received"), lambda row: _local(row.enquiry.received_at)),
    (_("Status"), lambda row: _label(Status, row.enquiry.status)),
    (_("Outcome"), lambda row: _label(Outcome, row.enquiry.outcome)),
    (_("Closed"), lambda row: _local(row.enquiry.closed_at)),
    (_("Removed by itself on"), lambda row: finnish_day(row.enquiry.remove_on)),
    (_("Kind"), lambda row: _label(Kind, row.enquiry.kind)),
    (_("Verdict"), lambda row: _label(Verdict, row.enquiry.verdict)),
    (_("Place on the waiting list"), lambda row: row.waiting_number),
    (_("Came to the waiting list"), lambda row: _local(row.place.joined_at if row.place else None)),
    (_("Wants mail of the return"), lambda row: _wants_mail(row.place)),
    (_("Told of the return"), lambda row: _local(row.place.notified_at if row.place else None)),
    (_("Reason for moving ahead"), lambda row: row.place.move_reason if row.place else ""),
    (_("Name"), lambda row: row.enquiry.name),
    (_("E-mail address"), lambda row: readable_address(row.enquiry.email)),
    (_("Phone number"), lambda row: dialled_phone(row.enquiry.phone)),
    (_("Organisation"), lambda row: row.enquiry.organisation),
    (_("Form of supervision"), lambda row: _label(SupervisionForm, row.enquiry.supervision_form)),
    (_("Where to meet"), lambda row: ", ".join(row.enquiry.delivery_mode_labels)),
    (_("Size of the group"), lambda row: row.enquiry.group_size),
    (_("Place"), lambda row: row.enquiry.place),
    (_("Area"), lambda row: _label(Area, row.enquiry.area)),
    (_("Payer"), lambda row: row.enquiry.payer),
    (_("Preferred way of contact"), lambda row: _label(ContactPreference, row.enquiry.preferred_contact)),
    (_("Message"), lambda row: row.enquiry.message),
    (_("Initial mapping arrived"), lambda row: _local(row.mapping.sent_at if row.mapping else None)),
    (_("Answers of the initial mapping"), lambda row: _answers(row.mapping)),
    (_("Notes for the first meeting"), lambda row: row.mapping.preparation_notes if row.mapping else ""),
    (_("Note"), lambda row: row.enquiry.note),
]
# Each value with the name of its column in a workbook.
_LETTERED = [(get_column_letter(number), value) for number, (_heading, value) in enumerate(_COLUMNS, start=1)]


def spreadsheet_response(enquiries: QuerySet[Enquiry], file_format: str, now: datetime) -> StreamingHttpResponse:
    """Return the file to download. `file_format`: "csv" or "xlsx"; raises KeyError for another.

    The file is generated during the download, so that its size does not matter. A cancelled download ends the work.
    """
    write, content_type = {
        "csv": (_csv, "text/csv; charset=utf-8"),
        "xlsx": (_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    }[file_format]
    # Only the primary keys of all enquiries are in memory at once, eight bytes each.
    keys = array("q", enquiries.values_list("pk", flat=True).iterator())
    response = StreamingHttpResponse(write(_batches(keys)), content_type=content_type)
    filename = f"yhteydenotot-{timezone.localdate(now).isoformat()}.{file_format}"
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    response["Cache-Control"] = "no-store, private"
    return response


def _batches(keys: Sequence[int]) -> Iterator[list[_Row]]:
    """Yield the enquiries in the order of `keys`, read a few at a time. Those removed meanwhile are left out.

    No query stays open between two batches: during a slow download it would keep SQLite from emptying its write-ahead
    log.
    """
    numbers = {pk: number for number, pk in enumerate(places_on_the_list().values_list("enquiry", flat=True), start=1)}
    for start in range(0, len(keys), _BATCH_SIZE):
        batch = keys[start : start + _BATCH_SIZE]
        read = Enquiry.objects.select_related("mapping", "waiting").defer("shown_texts", "mapping__shown_texts")
        found = read.in_bulk(list(batch))
        yield [_row(found[key], numbers.get(key)) for key in batch if key in found]


def _row(enquiry: Enquiry, waiting_number: int | None) -> _Row:
    mapping = getattr(enquiry, "mapping", None)
    return _Row(
        enquiry=enquiry,
        waiting_number=waiting_number,
        place=getattr(enquiry, "waiting", None),
        # Answers of an unsent mapping are not exported.
        mapping=sent_mapping(mapping) if mapping and mapping.is_sent else None,
    )


def _wants_mail(place: WaitingPlace | None) -> str:
    return "" if place is None else str(_("Yes") if place.wants_mail else _("No"))


def _answers(mapping: SentMapping | None) -> str:
    """Return one line for each answer: the question and the answer."""
    return "\n".join(
        f"{asked.question.label}: {', '.join(asked.lines)}"
        for step in (mapping.steps if mapping else ())
        for asked in step.questions
        if asked.lines
    )


def _label(choices: type[TextChoices], value: str) -> str:
    return _label_in(get_language(), choices, value)


@cache
def _label_in(_language: str | None, choices: type[TextChoices], value: str) -> str:
    """Return the label of a choice; the value itself if it is not one. Cached, so that it is not translated per row."""
    return str(dict(choices.choices).get(value, value))


def without_formula(text: str) -> str:
    """Return `text` such that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _local(moment: datetime | None) -> datetime | None:
    """Return the time in Helsinki without time zone, which spreadsheets do not support."""
    return timezone.localtime(moment).replace(tzinfo=None, second=0, microsecond=0) if moment else None


def _csv(batches: Iterable[list[_Row]]) -> Iterator[bytes]:
    buffer = io.StringIO()
    # A Finnish Excel expects semicolons. All cells are quoted, so that a typed separator does not split one.
    writer = csv.writer(buffer, delimiter=";", quoting=csv.QUOTE_ALL)
    writer.writerow([str(heading) for heading, _value in _COLUMNS])
    # Excel needs the byte-order mark to detect UTF-8.
    yield buffer.getvalue().encode("utf-8-sig")
    for batch in batches:
        buffer.seek(0)
        buffer.truncate()
        writer.writerows([_as_text(value(row)) for _heading, value in _COLUMNS] for row in batch)
        yield buffer.getvalue().encode()


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


def _xlsx(batches: Iterable[list[_Row]]) -> Iterator[bytes]:
    """Yield a workbook in parts. openpyxl makes everything except the rows, since it can only write a complete file."""
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet("Yhteydenotot")
    sheet.freeze_panes = "A2"
    sheet.append([str(heading) for heading, _value in _COLUMNS])
    sample = WriteOnlyCell(sheet)
    sample.number_format = _DATE_FORMAT
    date_style = sample.style_id
    workbook.save(whole := io.BytesIO())
    output = _ZipOutput()
    with ZipFile(whole) as made, ZipFile(output, "w", ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        [sheet_name] = [name for name in made.namelist() if name.startswith("xl/worksheets/sheet")]
        for name in made.namelist():
            if name != sheet_name:
                archive.writestr(name, made.read(name))
        before, end, after = made.read(sheet_name).partition(b"</sheetData>")
        with archive.open(sheet_name, "w") as rows:
            rows.write(before)
            number = 1
            for batch in batches:
                for row in batch:
                    number += 1
                    cells = (_xml_cell(value(row), column, number, date_style) for column, value in _LETTERED)
                    rows.write(f'<row r="{number}">{"".join(cells)}</row>'.encode())
                yield output.take()
            rows.write(end + after)
    yield output.take()


class _ZipOutput:
    """A write-only file for ZipFile. It keeps the written data until take() returns it."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing. ZipFile calls this."""

    def take(self) -> bytes:
        data = b"".join(self._parts)
        self._parts.clear()
        return data


def _xml_cell(value: Cell, column: str, number: int, date_style: int) -> str:
    """Return a cell as SpreadsheetML (ECMA-376, part 1, 18.3.1.4). A text is always a text cell, never a formula."""
    if value is None or value == "":
        return ""
    name = f"{column}{number}"
    if isinstance(value, datetime):
        return f'<c r="{name}" s="{date_style}"><v>{to_excel(value)}</v></c>'
    if isinstance(value, int):
        return f'<c r="{name}"><v>{value}</v></c>'
    text = _truncated(without_formula(_NOT_IN_XML.sub("\ufffd", value)))
    # A bare carriage return would be read as a line feed.
    words = escape(text, {"\r": "&#13;"})
    return f'<c r="{name}" t="inlineStr"><is><t xml:space="preserve">{words}</t></is></c>'
