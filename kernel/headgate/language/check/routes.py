from headgate.language.check.result import Checked


def check_routes(checked: Checked) -> None: ...
