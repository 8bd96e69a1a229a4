"""YAML that others wrote: read within limits, and whatever keeps it from being read is one kind of error.

A few hundred bytes can hold aliases of aliases that stand for billions of values, brackets that nest beyond the stack,
or values such as ``!!int ''`` at which the parser fails in its own ways.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TextIO

import yaml

from kinship.errors import KinshipError

__all__ = ["YamlError", "load_yaml", "load_yaml_all"]

_LONGEST = 1_000_000  # characters: the longest recipes have some tens of thousands
_DEEPEST = 100
_MOST = 100_000  # values, each counted as often as aliases repeat it


class YamlError(KinshipError):
    """A text is no YAML, or more than is read.

    Attributes
    ----------
    problem : str
        What is wrong, in a few words.
    line : int or None
        Where, from 1; None where it is no single place.
    """

    def __init__(self, problem: str, line: int | None = None) -> None:
        self.problem, self.line = problem, line
        super().__init__(f"{problem} in line {line}" if line else problem)


def load_yaml(text: str | TextIO, loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> Any:
    """Return what the one document of a YAML text says, None where it is empty.

    Parameters
    ----------
    text : str or text file
    loader : type of yaml.SafeLoader
        Another loader for other tags.

    Raises
    ------
    YamlError
        It is no YAML, has several documents, or is beyond the limits: a million characters, nesting of a hundred,
        a hundred thousand values with those that aliases repeat.
    """
    documents = load_yaml_all(text, loader)
    if len(documents) > 1:
        raise YamlError(f"it has {len(documents)} documents, where one is expected")
    return documents[0] if documents else None


def load_yaml_all(text: str | TextIO, loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> list[Any]:
    """Return what each document of a YAML text says; YamlError as in `load_yaml`."""
    if isinstance(text, str):
        content, name = text, "<text>"
    else:
        try:
            content, name = text.read(_LONGEST + 1), text.name
        except UnicodeDecodeError:
            raise YamlError("it is no text in UTF-8") from None
    if len(content) > _LONGEST:
        raise YamlError(f"it is longer than {_LONGEST:,} characters")
    try:
        return list(_documents(content, name, loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "it is no YAML"
        raise YamlError(problem, mark.line + 1 if mark else None) from None
    except yaml.YAMLError as error:
        raise YamlError(str(error).partition("\n")[0]) from None
    except (ValueError, KeyError, IndexError, AttributeError, TypeError, OverflowError) as error:
        # the constructors of numbers, dates and truth values take what their pattern or tag lets through
        raise YamlError(f"it has a value that cannot be read ({type(error).__name__}: {error})") from None


def _documents(content: str, name: str, loader: type[yaml.SafeLoader]) -> Iterator[Any]:
    reading = _bounded(loader)(content)
    reading.name = name
    while reading.check_node():
        node = reading.get_node()
        assert node is not None
        _count(node, {})
        yield reading.construct_document(node)


def _bounded(loader: type[yaml.SafeLoader]) -> type[yaml.SafeLoader]:
    class Bounded(loader):  # type: ignore[misc, valid-type]
        depth = 0

        def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
            if self.depth > _DEEPEST:
                raise yaml.composer.ComposerError(
                    None, None, f"it nests beyond {_DEEPEST}", self.peek_event().start_mark
                )
            self.depth += 1
            node: yaml.Node | None = super().compose_node(parent, index)
            self.depth -= 1
            return node

    return Bounded


def _count(node: yaml.Node, known: dict[int, int | None]) -> int:
    """Return how many values a node stands for with all that aliases repeat; `known` holds those of the nodes seen."""
    if id(node) in known:
        seen = known[id(node)]
        if seen is None:
            raise YamlError("it has an alias of what it is a part of", node.start_mark.line + 1)
        return seen
    known[id(node)] = None
    total = 1
    if isinstance(node, yaml.MappingNode):
        total += sum(_count(key, known) + _count(value, known) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        total += sum(_count(one, known) for one in node.value)
    if total > _MOST:
        raise YamlError(f"its aliases make more than {_MOST:,} values of it", node.start_mark.line + 1)
    known[id(node)] = total
    return total
