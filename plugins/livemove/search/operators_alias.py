"""Operators for aliases and for what they leave behind: swap, add, delete an index, purge markers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from livemove.runbook.errors import NeedsPerson
from livemove.search import aliases, indices, naming, state
from livemove.search.base import SearchOperator, StepOperator
from livemove.search.hook import SearchHook
from livemove.search.steps import require_copied


class SwapAliasOperator(SearchOperator):
    """Move an alias from one index to another, in one call.

    :param alias: that searches use.
    :param old: the index that it is on, alone.
    :param new: the index that takes its place.
    :param filter: of the alias on the new index; the default hides markers of deleted documents, None is for none.
    :returns: whether it was moved now; False if it had moved already.
    :raises AirflowFailException: the alias is elsewhere, or the copy into the new index is not done.

    Example::

        with DAG("swap", schedule=None):
            SwapAliasOperator(
                task_id="swap", alias="products", old="products-20260101000000", new="products-20260131120000"
            )
    """

    template_fields: Sequence[str] = ("alias", "old", "new", "filter", *SearchOperator.template_fields)

    def __init__(
        self,
        *,
        alias: str,
        old: str,
        new: str,
        filter: Mapping[str, Any] | None = aliases.LIVE_FILTER,  # noqa: A002 - the API's name
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.alias = alias
        self.old = old
        self.new = new
        self.filter = filter

    def act(self, hook: SearchHook) -> bool:
        """Move it, and remember where it was."""
        require_copied(hook, self.new)
        moved = aliases.swap(hook, self.alias, self.old, self.new, self.filter)
        if moved and state.find_state(hook, self.new) is not None:
            state.write_state(hook, self.new, swapped_at=state.now(), replaced=self.old)
        return moved


class AddAliasOperator(SearchOperator):
    """Put an alias on its first index.

    :param alias: on no index yet, or on this one.
    :param index: one whose copy, if there was one, is done.
    :param filter: as for SwapAliasOperator.
    :returns: whether it was put there now.
    :raises AirflowFailException: it is on another index.

    Example::

        with DAG("first_index", schedule=None):
            AddAliasOperator(task_id="alias", alias="products", index="products-20260131120000")
    """

    template_fields: Sequence[str] = ("alias", "index", "filter", *SearchOperator.template_fields)

    def __init__(
        self,
        *,
        alias: str,
        index: str,
        filter: Mapping[str, Any] | None = aliases.LIVE_FILTER,  # noqa: A002 - the API's name
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.alias = alias
        self.index = index
        self.filter = filter

    def act(self, hook: SearchHook) -> bool:
        """Put it there."""
        require_copied(hook, self.index)
        return aliases.add(hook, self.alias, self.index, self.filter)


class DeleteIndexOperator(SearchOperator):
    """Delete an index to which no alias points.

    :param index: named in full; patterns are refused.
    :returns: whether it was deleted now; False if it was gone.
    :raises AirflowFailException: an alias points to it.

    Example::

        with DAG("clean_up", schedule=None):
            DeleteIndexOperator.partial(task_id="delete").expand(
                index=["products-20260101000000", "products-20260131120000.restored"]
            )
    """

    template_fields: Sequence[str] = ("index", *SearchOperator.template_fields)

    def __init__(self, *, index: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.index = index

    def act(self, hook: SearchHook) -> bool:
        """Look whether an alias points there, then delete."""
        try:
            naming.concrete(self.index)
        except naming.BadName as problem:
            raise NeedsPerson(str(problem)) from None
        return indices.delete(hook, self.index)


class PurgeMarkersOperator(StepOperator):
    """Delete the markers of documents that were deleted before a time.

    :param index: an index, not an alias: the alias hides them.
    :param before: older than what the streams keep, with a time zone, ISO 8601.

    Example::

        with DAG("purge", schedule="@weekly"):
            PurgeMarkersOperator(
                task_id="purge", index="products-20260131120000", before="{{ logical_date.subtract(days=8) }}"
            )
    """

    template_fields: Sequence[str] = ("index", "before", *StepOperator.template_fields)
    step_name = "purge"

    def __init__(self, *, index: str, before: datetime | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.index = index
        self.before = before

    def values(self) -> dict[str, Any]:
        """What the step is given."""
        return {"index": self.index, "before": str(self.before)}
