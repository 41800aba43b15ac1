"""The kinds of audit events, and which of them are told in a request's Slack thread."""

SUBMITTED = "submitted"
COMPLETED = "step_completed"
FAILED = "step_failed"  # left by its failure path
BLOCKED = "step_blocked"
RETRY = "retry_scheduled"
LOST = "worker_lost"
RETURNED = "returned"
LATE = "late_result"
CANCELLED = "step_cancelled"
RETRIGGERED = "retriggered"
RETRIGGERED_FLOW = "retriggered_flow"
INPUT_PROVIDED = "input_provided"
CONTINUED = "continued"
WITHDRAWN = "withdrawn"
STATUS = "status_changed"
REFUSED = "refused"

ACTS = frozenset({RETRIGGERED, RETRIGGERED_FLOW, INPUT_PROVIDED, CONTINUED, WITHDRAWN})
# Told once a request has a card: every act and every outcome (SPEC 7).
THREAD = ACTS | {COMPLETED, FAILED, BLOCKED, LATE, LOST, STATUS}
