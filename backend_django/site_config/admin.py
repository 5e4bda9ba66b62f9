from django.contrib import admin

from .models import SetupFlag


@admin.register(SetupFlag)
class SetupFlagAdmin(admin.ModelAdmin):
    list_display = ["name", "setup_complete", "completed_at"]
