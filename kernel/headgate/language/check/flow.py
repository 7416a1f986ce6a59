from headgate.language.check.result import Checked


def check_flow(checked: Checked) -> None: ...
