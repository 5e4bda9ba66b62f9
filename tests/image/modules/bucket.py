"""Files are in the bundled bucket, which browsers reach through nginx."""

BASES = ("rclone",)
SERVERS = ("bucket",)
PASSWORDS = {"bucket_secret_key": "$b'u\"c@k#e$HOME%41:/+= t"}
SETTINGS = {
    "COMPOSE_PROFILES": "tls,bucket",
    "AWS_STORAGE_BUCKET_NAME": "app-files",
    "AWS_S3_ENDPOINT_URL": "http://bucket:9000",
    "AWS_S3_PUBLIC_ENDPOINT_URL": "https://localhost:{https_port}",
    "AWS_ACCESS_KEY_ID": "app",
}
PUT_TO = "app-files"
