"""Permissions on rows that have an owner: the one place to ask.

Everybody may do everything with what is their own, and nothing with what is not, unless a model
says `seen_by_all = True`: then whoever is signed in may look at its rows. A module may let people
act for other accounts than their own (`register`); then every view, tile, event and job that asks
here follows. Where none does, these functions compare `owner` and cost no query.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from django.db.models import Model, Q, QuerySet

from .utils.errors import NoSuchAccount, RoleTooLow

M = TypeVar("M", bound=Model)
SAFE = ("GET", "HEAD", "OPTIONS")
# How a call names the account that it acts for; the other is for links, which have no headers.
HEADER, PARAMETER = "X-Act-For", "act_for"


class Action(StrEnum):
    """The things a user may want to do, from the least to the most."""

    VIEW = "view"  # look at it, download it
    EDIT = "edit"  # create, change, cancel, retry, delete
    MANAGE = "manage"  # open it to others


class Delegation(Protocol):
    """Lets people act for accounts that are not theirs. Users are given by their ids."""

    def owners(self, user_id: Any, action: Action) -> QuerySet[Any]:
        """Return the ids of the accounts for which a user may do this, as a subquery."""

    def allows(self, user_id: Any, action: Action, owner_id: Any) -> bool:
        """Return whether a user may do this for an account; a good place to record that they do."""

    def people(self, owner_ids: Iterable[Any]) -> Mapping[Any, list[Any]]:
        """Return who may look at what is theirs, for those of the accounts that are shared."""

    def account(self, user_id: Any, named: str) -> Any | None:
        """Return the account that a call of a user names; None when there is none to be seen."""


_delegations: list[Delegation] = []


def register(delegation: Delegation) -> None:
    """Ask this as well, from now on. Called while Django starts."""
    _delegations.append(delegation)


def is_delegated() -> bool:
    """Return whether somebody may act for an account that is not theirs."""
    return bool(_delegations)


def can(user: Any, action: Action, object: Any) -> bool:
    """Return whether a user may do this with an object.

    Args:
        user: the user, or their id.
        object: a row with an `owner`.
    """
    user_id, owner_id = getattr(user, "pk", user), object.owner_id
    if action == Action.VIEW and is_seen_by_all(type(object)):
        return True
    return owner_id == user_id or any(
        each.allows(user_id, action, owner_id) for each in _delegations
    )


def check(user: Any, action: Action, object: Any) -> None:
    """Refuse what a user may not do with an object that they may see.

    Raises:
        RoleTooLow
    """
    if not can(user, action, object):
        raise RoleTooLow


def visible(rows: QuerySet[M], user: Any, action: Action = Action.VIEW) -> QuerySet[M]:
    """Return those of the rows with which a user may do this: by a condition, not by a query.

    Args:
        rows: of a model with an `owner`.
        user: the user, or their id.
    """
    if action == Action.VIEW and is_seen_by_all(rows.model):
        return rows
    return rows.filter(acting(user, action))


def acting(user: Any, action: Action) -> Q:
    """Return the condition that rows belong to an account for which a user may do this."""
    user_id = getattr(user, "pk", user)
    condition = Q(owner=user_id)
    for each in _delegations:
        condition |= Q(owner__in=each.owners(user_id, action))
    return condition


def is_seen_by_all(model: type[Model]) -> bool:
    """Return whether everybody who is signed in may look at the rows of a model."""
    return bool(getattr(model, "seen_by_all", False))


def people(owner_ids: Iterable[Any]) -> list[Any]:
    """Return the ids of the users who see what belongs to these accounts, each once."""
    found = dict.fromkeys(owner_ids)
    for each in _delegations if found else ():
        for owner_id, users in each.people(found).items():
            found.pop(owner_id, None)
            found |= dict.fromkeys(users)
    return list(found)


def owner_for(user: Any, request: Any, action: Action) -> Any:
    """Return the account for which a call acts: the caller's, unless it names another.

    Args:
        user: who calls.
        request: the call, of Django or of Django REST framework.

    Raises:
        NoSuchAccount: it names one that the caller has nothing to do with.
        RoleTooLow: the caller may look at what it has, and no more.
    """
    named = request.headers.get(HEADER) or request.GET.get(PARAMETER)
    if not named:
        return user
    for each in _delegations:
        if (account := each.account(user.pk, named)) is not None:
            if not each.allows(user.pk, action, account.pk):
                raise RoleTooLow
            return account
    raise NoSuchAccount


class ActsForOwner:
    """Mixin of views: what a call wants to do, and for whom."""

    request: Any
    change_action = Action.EDIT  # what a call wants that is no GET

    @property
    def action_wanted(self) -> Action:
        return Action.VIEW if self.request.method in SAFE else self.change_action

    @property
    def owner(self) -> Any:
        """The account whose rows a list has, and to which new ones belong."""
        return owner_for(self.request.user, self.request, self.action_wanted)
