from django.urls import re_path

from . import views

urlpatterns = [
    re_path(r"^login/?$", views.LoginView.as_view()),
    re_path(r"^logout/?$", views.LogoutView.as_view()),
    re_path(r"^user/?$", views.UserView.as_view()),
    re_path(r"^session/?$", views.SessionView.as_view()),
    re_path(r"^registration/?$", views.RegisterView.as_view()),
]
