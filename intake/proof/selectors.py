"""What the last proof says, for the dashboard, the metrics and the digest of problems."""

from datetime import datetime

from intake.jobs.schedule import CLOCK_TOLERANCE
from intake.proof.models import FormProof, ProofResult


def last_proof(*, now: datetime) -> FormProof | None:
    """Return the newest proof that is over; None where there is none. Ignores those from the future."""
    over = FormProof.objects.exclude(result=ProofResult.RUNNING).filter(started_at__lte=now + CLOCK_TOLERANCE)
    return over.first()
