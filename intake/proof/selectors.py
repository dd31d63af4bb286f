"""What the last proof says, for the dashboard, the metrics and the digest of problems."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from intake.jobs.schedule import CLOCK_TOLERANCE
from intake.proof.models import FormProof, ProofResult
from intake.proof.rules import LATE_AFTER, OFF


def last_proof(*, now: datetime) -> FormProof | None:
    """Return the newest proof that is over; None where there is none. Ignores those from the future."""
    over = FormProof.objects.exclude(result=ProofResult.RUNNING).filter(started_at__lte=now + CLOCK_TOLERANCE)
    return over.first()


@dataclass(frozen=True, kw_only=True)
class ProofStatus:
    """`last`: the newest that is over. `is_nightly`: there should be one each night. `is_late`: none for days."""

    last: FormProof | None
    is_nightly: bool
    is_late: bool


def proof_status(*, now: datetime) -> ProofStatus:
    last, is_nightly = last_proof(now=now), settings.PROOF_EMAIL != OFF
    is_late = is_nightly and last is not None and now - last.started_at > LATE_AFTER
    return ProofStatus(last=last, is_nightly=is_nightly, is_late=is_late)
