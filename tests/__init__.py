"""The tests of kinship. Properties are tried on the same examples every time, however slow the machine."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "kinship", deadline=None, database=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("kinship")
