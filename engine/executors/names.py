"""What the jobs are called that bring steps to workers: by those who make them and by those who take them."""

QUEUE = "retrigger"
TASK = "retrigger.run"
REQUEST = "request"  # the one argument: the request's id
