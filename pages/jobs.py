"""Jobs: what is running, what failed, and why?"""

from kinship.ui.frame import page
from kinship.ui.job_list import show_jobs

page("Jobs", "What is running, what failed, and why?")
show_jobs()
