"""A flag has changed: open pages ask anew, and the audit trail has it."""

from typing import Any

from django.db.models.signals import m2m_changed, post_delete, post_save
from django.dispatch import receiver

from backend_django.audit.services import event_record
from backend_django.live.publish import publish_to_all_on_commit
from backend_django.users.models import User

from .models import Flag


@receiver([post_save, post_delete], sender=Flag)
def tell_of_change(instance: Flag, **_: Any) -> None:
    event = "flag_changed" if Flag.objects.filter(pk=instance.pk).exists() else "flag_deleted"
    detail = f"everyone: {instance.everyone}, percent: {instance.percent}"
    event_record(event=event, target=instance.name, detail=detail)
    publish_to_all_on_commit()


@receiver(m2m_changed, sender=Flag.users.through)
@receiver(m2m_changed, sender=Flag.groups.through)
def tell_of_accounts(instance: Flag | User, action: str, model: Any, **kept: Any) -> None:
    if action.startswith("post_"):
        detail = f"{action.removeprefix('post_')} {model._meta.model_name}: {kept['pk_set']}"
        event_record(event="flag_changed", target=str(instance), detail=detail)
        publish_to_all_on_commit()
