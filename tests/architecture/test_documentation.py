"""The documentation names what there is."""

import re
from pathlib import Path

import click

from testamur.cli.command import testamur as root_command
from testamur.config import Settings
from testamur.rendering.document import ELEMENTS
from testamur.rendering.elements import Background, BackgroundPicture, Gradient, GradientStop, Page, Run
from testamur.rendering.fonts import FAMILIES
from testamur.rendering.samples import SAMPLE_VALUES

ROOT = Path(__file__).parents[2]


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_setting_is_documented():
    text = text_of("docs/settings.md")
    assert [name for name in Settings.__dataclass_fields__ if f"`TESTAMUR_{name.upper()}`" not in text] == []


def commands(group, path="testamur"):
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def test_every_command_and_its_options_are_documented():
    text = text_of("docs/command-line.md")
    for name, command in commands(root_command):
        (row,) = (line for line in text.splitlines() if line.startswith(f"| `{name}"))
        for option in command.params:
            if isinstance(option, click.Option):
                assert any(word in row for word in option.opts), (name, option.opts)


def test_every_member_of_a_design_document_is_documented():
    text = text_of("docs/design-document.md")
    for kind in (Background, BackgroundPicture, Page, Gradient, GradientStop, Run, *ELEMENTS):
        for field in kind.__struct_fields__:
            wire = re.sub(r"_([a-z])", lambda found: found[1].upper(), field)
            assert re.search(rf"[`\".]{wire}[`\"]", text), wire
    assert [family for family in FAMILIES if family not in text_of("docs/fonts.md")] == []
    standard = [tag for tag in SAMPLE_VALUES if not tag.startswith("custom.")]
    assert [tag for tag in standard if f"`[{tag}]`" not in text] == []


def test_every_runtime_dependency_has_its_reason():
    listed = re.search(r"^dependencies = \[(.*?)^\]", text_of("pyproject.toml"), re.DOTALL | re.MULTILINE)[1]
    text = text_of("docs/dependencies.md")
    names = re.findall(r'^\s*"([a-z0-9-]+)', listed, re.MULTILINE)
    assert names
    assert [name for name in names if f"| {name} |" not in text] == []


def test_links_between_documents_lead_somewhere():
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), (page.name, target)
