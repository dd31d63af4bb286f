from django.apps import AppConfig


class ProblemsConfig(AppConfig):
    name = "aijuu_site.problems"

    def ready(self) -> None:
        # It needs the models, which are loaded only now.
        from aijuu_site.problems.jobs import PROBLEM_JOBS
        from intake.jobs.runner import register

        register(*PROBLEM_JOBS)
