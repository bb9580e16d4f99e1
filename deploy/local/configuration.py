"""Renders the configuration of the engines from the templates beside this module."""

from collections.abc import Mapping
from pathlib import Path
from string import Template

TEMPLATES = Path(__file__).with_name("config")


def render(target: Path, values: Mapping[str, object]) -> None:
    """Write every template to the same place below `target`. Raises KeyError for an unknown name."""
    for template in sorted(path for path in TEMPLATES.rglob("*") if path.is_file()):
        path = target / template.relative_to(TEMPLATES)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Template(template.read_text(encoding="utf-8")).substitute(values), encoding="utf-8")
