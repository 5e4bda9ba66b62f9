"""What others do when something happens to an account, in the same transaction."""

from django.dispatch import Signal

# An account is about to be deleted with its rows. Lock here what others write rows to meanwhile:
# such a row would be deleted by nobody, and would keep the account. Argument: `account`.
account_leaving = Signal()
