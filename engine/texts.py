"""The words of the three options, exactly as SPEC 4 gives them, and the words every door shares."""

RETRIGGER = "Re-trigger"
RETRIGGER_FLOW = "Re-trigger step and flow"
PROVIDE_INPUT = "Provide input"
CONTINUE_FLOW = "Continue flow"
WITHDRAW = "Withdraw"
PROGRESS_PATH = "Progress Path"
TAKE_ACTION = "Take action"
LOOK = "I'm looking at this"
LOOK_AWAY = "Stop looking"
EVERY_APPLICATION = "every application"

RETRIGGER_TEXT = (
    "Re-triggering this step will only re-execute the selected step. "
    "This action may affect the overall status of the workflow."
)
RETRIGGER_TICK_BOX = "Allow the workflow status to be updated"
RETRIGGER_FLOW_TEXT = (
    "Re-triggering this step will also execute the remaining flow. "
    "The request status will change to 'In Progress' until the flow is completed."
)
PROVIDE_INPUT_TEXT = "You can edit and provide inputs on the blocked node"
PROVIDE_INPUT_LABEL = "Request body"
PROVIDE_INPUT_BUTTON = "Submit"

REMAINING_NOT_STARTED = "remaining steps not started"
EARLIER_CALL = "The earlier call may have taken effect"
REMOVED = "removed by retention"  # in the place of a title, and of what was worked with
REMOVED_WHAT = "Title, input, results and responses:"
MASK = "•••"
CUT_MARK = "… (cut)"

BULK_RETRIGGER = "Re-trigger…"
BULK_TITLE = "Re-trigger many"
BULK_STOP = "Stop"
