"""Notifications, mails and webhooks: how owners learn that requests ended (docs/decisions/0033)."""

from ..environment import env

# How long notifications are kept, read or not.
NOTIFICATION_RETENTION_DAYS = env.int("NOTIFICATION_RETENTION_DAYS", default=90)
# Requests that end within so many seconds are told of in one mail.
NOTIFICATION_MAIL_DELAY_SECONDS = env.int("NOTIFICATION_MAIL_DELAY_SECONDS", default=60)

# Webhooks that one user may have; 0 turns webhooks off.
WEBHOOKS_PER_USER = env.int("WEBHOOKS_PER_USER", default=10)
# A receiver that has not responded after so many seconds has failed. At most 60.
WEBHOOK_TIMEOUT_SECONDS = min(60, env.int("WEBHOOK_TIMEOUT_SECONDS", default=10))
# The pause before the second attempt; each is four times as long, up to six hours.
WEBHOOK_RETRY_SECONDS = env.int("WEBHOOK_RETRY_SECONDS", default=30)
# A delivery that did not succeed for so long is given up.
WEBHOOK_GIVE_UP_HOURS = env.int("WEBHOOK_GIVE_UP_HOURS", default=72)
# A webhook of which no delivery succeeded for so long is disabled, and its owner is told.
WEBHOOK_DISABLE_DAYS = env.int("WEBHOOK_DISABLE_DAYS", default=5)
# How long deliveries are kept in the log.
WEBHOOK_RETENTION_DAYS = env.int("WEBHOOK_RETENTION_DAYS", default=14)
