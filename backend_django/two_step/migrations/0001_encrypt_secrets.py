from typing import Any

from allauth.mfa.adapter import get_adapter
from django.db import migrations

from ..adapter import PREFIX

SECRETS = ("secret", "seed")  # of an app, of recovery codes


def encrypt_secrets(apps: Any, schema_editor: Any) -> None:
    """Encrypt what was stored before secrets were, as each that is stored since."""
    for row in apps.get_model("mfa", "Authenticator").objects.iterator():
        plain = {
            name: row.data[name]
            for name in SECRETS
            if name in row.data and not row.data[name].startswith(PREFIX)
        }
        if plain:
            row.data |= {name: get_adapter().encrypt(text) for name, text in plain.items()}
            row.save(update_fields=["data"])


class Migration(migrations.Migration):
    dependencies = [("mfa", "0003_authenticator_type_uniq")]
    operations = [migrations.RunPython(encrypt_secrets, migrations.RunPython.noop)]
