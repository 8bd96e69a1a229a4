"""Families: a base and the models made from it, by name. Every page works on one of them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Column, Float, String, Table, Text, delete, insert, select, update

from kinship.checkpoints import Vocabulary
from kinship.demo.path import demo_path
from kinship.errors import KinshipError, UnknownNameError, WorkspaceError
from kinship.published import Lineage, lineages
from kinship.workspace.store.database import metadata, reading, transaction

__all__ = [
    "DEMO",
    "Family",
    "allow_partial",
    "delete_family",
    "families",
    "family",
    "join_family",
    "leave_family",
    "save_family",
]

DEMO = "demo"
_families = Table(
    "families",
    metadata,
    Column("name", String, primary_key=True),
    Column("base", Text, nullable=False),
    Column("members", Text, nullable=False),
    Column("vocabulary", String, nullable=False),
)
_children = Table(
    "family_children",
    metadata,
    Column("family", String, primary_key=True),
    Column("path", String, primary_key=True),
    Column("added", Float, nullable=False),
)
_partial = Table("family_partial", metadata, Column("family", String, primary_key=True))


@dataclass(frozen=True)
class Family:
    """A base and its members.

    Attributes
    ----------
    base, members : str, tuple of str
        Paths on this machine; for a published lineage, names of models.
    published : Lineage or None
        Set where there are figures but no weights.
    children : tuple of str
        Those of the members that were merged from others here and joined the family.
    allow_partial : bool
        It is compared even where less than half of the weights is common to all.
    """

    name: str
    base: str
    members: tuple[str, ...]
    vocabulary: Vocabulary = "common"
    published: Lineage | None = None
    children: tuple[str, ...] = ()
    allow_partial: bool = False

    @property
    def built_in(self) -> bool:
        """True for the families of the first start, which cannot be changed."""
        return self.published is not None or self.name == DEMO


def families() -> list[Family]:
    """Return the families: the demo, the user's own by name, the published lineages.

    Raises
    ------
    WorkspaceError
        The database cannot be read, or another release wrote a family in a way not known here.
    """
    with reading() as connection:
        rows = connection.execute(select(_families).order_by(_families.c.name)).all()
        joined = connection.execute(select(_children).order_by(_children.c.added)).all()
        allowed = set(connection.execute(select(_partial.c.family)).scalars())
    own = [Family(r.name, r.base, _members(r.name, r.members), r.vocabulary) for r in rows]
    grown = [
        replace(_grown(one, [row.path for row in joined if row.family == one.name]), allow_partial=one.name in allowed)
        for one in (_demo(), *own)
    ]
    return [*grown, *(_published(lineage) for lineage in lineages())]


def family(name: str) -> Family:
    """Return the family of that name, or raise UnknownNameError."""
    known = {one.name: one for one in families()}
    if name not in known:
        raise UnknownNameError("family", name, known)
    return known[name]


def save_family(one: Family) -> None:
    """Keep a family; one of the same name and base is replaced, and what was merged from it stays in it.

    Raises
    ------
    KinshipError
        The name is empty or belongs to a built-in family or one of another base, or there is no member.
    """
    if not one.name.strip() or one.name in {DEMO, *(lineage.name for lineage in lineages())}:
        raise KinshipError(f"a family cannot be called {one.name!r}; choose another name")
    if not one.members:
        raise KinshipError(f"the family {one.name} has no members; select at least one model beside the base")
    with transaction() as connection:
        base = connection.execute(select(_families.c.base).where(_families.c.name == one.name)).scalar()
        if base not in (None, one.base):
            raise KinshipError(f"there is a family {one.name} of another base, {base}; choose another name")
        said = {"members": json.dumps(list(one.members)), "vocabulary": one.vocabulary}
        if base is None:
            connection.execute(insert(_families).values(name=one.name, base=one.base, **said))
        else:  # in place: what another release keeps in the row stays
            connection.execute(update(_families).where(_families.c.name == one.name).values(said))
        connection.execute(delete(_partial).where(_partial.c.family == one.name))
        if one.allow_partial:
            connection.execute(insert(_partial).values(family=one.name))


def allow_partial(name: str) -> None:
    """Let a family, the demo too, be compared even where less than half of the weights is common to all."""
    with transaction() as connection:
        connection.execute(delete(_partial).where(_partial.c.family == name))
        connection.execute(insert(_partial).values(family=name))


def delete_family(name: str) -> None:
    """Forget a family; its checkpoints and their tables stay."""
    with transaction() as connection:
        connection.execute(delete(_families).where(_families.c.name == name))
        connection.execute(delete(_children).where(_children.c.family == name))
        connection.execute(delete(_partial).where(_partial.c.family == name))


def join_family(name: str, path: Path) -> None:
    """Let a model that was merged here be a member of a family, the demo too, as long as its folder is there."""
    with transaction() as connection:
        connection.execute(delete(_children).where(_children.c.family == name, _children.c.path == str(path)))
        connection.execute(insert(_children).values(family=name, path=str(path), added=time.time()))


def leave_family(name: str, path: Path) -> None:
    """Take a merged model out of a family; its folder stays."""
    with transaction() as connection:
        connection.execute(delete(_children).where(_children.c.family == name, _children.c.path == str(path)))


def _members(name: str, text: str) -> tuple[str, ...]:
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    if not isinstance(said, list) or not all(isinstance(path, str) for path in said):
        mend = "upgrade kinship, or set KINSHIP_HOME to another folder"
        raise WorkspaceError(f"the members of the family {name} are not paths; another release wrote them; {mend}")
    return tuple(said)


def _grown(one: Family, joined: list[str]) -> Family:
    children = tuple(path for path in joined if path not in one.members and Path(path).is_dir())
    return replace(one, members=(*one.members, *children), children=children)


def _demo() -> Family:
    folder = demo_path()
    members = sorted(p for p in folder.iterdir() if (p / "config.json").is_file() and p.name != "base")
    return Family(DEMO, str(folder / "base"), tuple(str(p) for p in members))


def _published(lineage: Lineage) -> Family:
    return Family(lineage.name, lineage.base, tuple(step.model for step in lineage.steps), published=lineage)
