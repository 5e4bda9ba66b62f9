"""Feature flags: what is shown to some, before it is shown to all (docs/flags.md).

Code asks django-waffle (`waffle.flag_is_active`), and this is the model behind it: flags by account
and by a stable percentage, with defaults from the environment.
"""
