"""How Sphinx builds the site: tools/build_documentation calls it with warnings as errors."""

import importlib
import inspect
import re

from sphinx.util.inspect import stringify_signature

import keras_videogpt

project = "keras_videogpt"
author = "The keras_videogpt maintainers"
release = version = keras_videogpt.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["README.md"]
html_theme = "furo"
html_title = f"keras_videogpt {version}"
html_show_copyright = False
myst_heading_anchors = 3
myst_enable_extensions = ["attrs_block", "dollarmath"]
suppress_warnings = ["myst.strikethrough"]

# === Docstrings: Google's sections, and code in single backticks ===
autodoc_inherit_docstrings = False
default_role = "code"
napoleon_numpy_docstring = False
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_custom_sections = [("Call arguments", "params_style"), ("Source", "notes_style")]

# === Reference: what `__all__` has, under the name it is imported by ===
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_class_signature = "mixed"
add_module_names = False
python_maximum_signature_line_length = 80
# Annotations name classes of other libraries and of our own modules; only public names are pages.
nitpick_ignore_regex = [
    ("py:.*", r"(?!keras_videogpt\.).*"),
    ("py:.*", r"keras_videogpt\.\w+\.\w+\..*"),
]

PACKAGES = (
    "keras_videogpt",
    *(
        f"keras_videogpt.{name}"
        for name in (
            "callbacks",
            "convert",
            "data",
            "evaluation",
            "layers",
            "metrics",
            "presets",
            "tokens",
        )
    ),
)


def public_names():
    """Where each public name is: its full name, of names that only one package has."""
    places = {}
    for package in map(importlib.import_module, PACKAGES):
        for name in package.__all__:
            places.setdefault(name, []).append(f"{package.__name__}.{name}")
    return {name: full[0] for name, full in places.items() if len(full) == 1}


PUBLIC = public_names()


def link_public_names(app, what, name, obj, options, lines):
    """A public name in backticks becomes a link to it."""

    def link(found):
        full = PUBLIC.get(found[1])
        return f":py:obj:`{found[1]} <{full}>`" if full and full != name else found[0]

    lines[:] = [re.sub(r"(?<![`:])`(\w+)`(?!`)", link, line) for line in lines]


def keep_returns_whole(app, what, name, obj, options, lines):
    """Napoleon takes what precedes a colon in Returns for a type; ours are sentences."""
    for index, line in enumerate(lines[:-1]):
        if line.strip() in ("Returns:", "Yields:"):
            text = lines[index + 1]
            indent = len(text) - len(text.lstrip())
            lines[index + 1] = f"{text[:indent]}: {text[indent:]}"


def signature_of_constructor(app, what, name, obj, options, signature, returns):
    """Keras gives its classes a `__new__` that takes anything."""
    if what != "class":
        return None
    constructor = inspect.signature(obj.__init__)
    parameters = list(constructor.parameters.values())[1:]
    constructor = constructor.replace(parameters=parameters, return_annotation=constructor.empty)
    return stringify_signature(constructor, unqualified_typehints=True), None


def setup(app):
    app.connect("autodoc-process-signature", signature_of_constructor)
    app.connect("autodoc-process-docstring", keep_returns_whole, priority=100)
    app.connect("autodoc-process-docstring", link_public_names, priority=900)
