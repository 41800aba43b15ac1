"""Sizes and times that bound what comes from outside. Bytes and seconds."""

MAX_INPUT_BYTES = 1024 * 1024  # a request's input, a provided result
MAX_RESPONSE_BYTES = 1024 * 1024  # over it the call is accepted, and failed
MAX_RENDERED_CHARS = 256 * 1024  # what one template may render to
MAX_ERROR_CHARS = 2000  # an error kept with an attempt; the rest is cut with a mark
MAX_REASON_CHARS = 1000
MAX_TITLE_CHARS = 200
MAX_KEY_CHARS = 200  # of a key that makes a submit or an act safe to repeat: an index holds it
MAX_WHO_CHARS = 200  # of whoever is granted something: an index holds it
MAX_RECOVERIES = 5
RECOVERY_DELAYS = (0.0, 1.0, 2.0, 4.0, 8.0)
ALONE_FROM_RECOVERY = 2  # from this recovery on, a step runs alone in its worker
MAX_JSON_DEPTH = 100  # lists and objects inside one another, in any JSON from outside
MAX_DEFINITION_BYTES = 1024 * 1024
MAX_DEFINITION_NODES = 2000
MAX_PROBLEMS = 100  # of a definition, told at once
MAX_TEMPLATE_LOOPS = 10_000  # turns of all loops in one rendering
MAX_SECONDS = 365 * 86400.0  # the longest duration that may be written
MAX_BACKLOG_SECONDS = 60.0  # that a message may wait for Slack before it is a failure
MAX_MESSAGE_BYTES = 16 * 1024 * 1024  # between the worker and a process of functions
MAX_TOLD_CHARS = 64 * 1024  # of an error, or a traceback, that such a function gives
MAX_FUNCTION_MEMORY = 1024 * 1024 * 1024  # bytes that such a function may take beside what its modules take
