"""Below /api/v1/teams/."""

from backend_django.api.urls import ID, crud_urls
from backend_django.users.api.urls import at

from . import views

urlpatterns = [
    *crud_urls(
        create=views.TeamCreateView,
        list=views.TeamListView,
        detail=views.TeamDetailView,
        update=views.TeamUpdateView,
        delete=views.TeamDeleteView,
    ),
    at(f"leave/{ID}", views.LeaveView),
    at(f"invite/{ID}", views.InviteView),
    at(f"withdraw/{ID}/{ID.replace('id', 'invitation', 1)}", views.SentInvitationView),
    at(f"members/{ID}/{ID.replace('id', 'member', 1)}", views.MemberView),
    at("invitations/list", views.InvitationListView),
    at(f"accept/{ID}", views.AcceptView),
    at(f"decline/{ID}", views.DeclineView),
]
