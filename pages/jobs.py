"""Jobs: what is running, what failed, and why?"""

from kinship.ui.jobs.job_list import show_jobs
from kinship.ui.shell.frame import page

page("Jobs", "What is running, what failed, and why?")
show_jobs()
