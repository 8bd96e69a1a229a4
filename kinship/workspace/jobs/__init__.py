"""How work gets done: the queue, the kinds of jobs, the worker, and its heartbeat."""
