# PostgreSQL, Valkey, the files, and the secrets that lead to them. What is made here at random stands
# in the state too: keep that as you keep the secrets.

resource "random_password" "made" {
  for_each = toset(["django_secret_key", "django_superuser_password", "postgres", "valkey"])
  length   = 64
  special  = false # so that it needs no quoting in a URL
}

resource "aws_db_subnet_group" "app" {
  name       = var.name
  subnet_ids = aws_subnet.inner[*].id
}

resource "aws_db_instance" "app" {
  identifier                = var.name
  engine                    = "postgres"
  engine_version            = "17"
  instance_class            = var.database_class
  allocated_storage         = 20
  max_allocated_storage     = 200
  storage_type              = "gp3"
  storage_encrypted         = true
  db_name                   = "app"
  username                  = "app"
  password                  = random_password.made["postgres"].result
  db_subnet_group_name      = aws_db_subnet_group.app.name
  vpc_security_group_ids    = [aws_security_group.servers.id]
  backup_retention_period   = var.backup_days
  copy_tags_to_snapshot     = true
  deletion_protection       = true
  final_snapshot_identifier = "${var.name}-last"
}

resource "aws_elasticache_subnet_group" "app" {
  name       = var.name
  subnet_ids = aws_subnet.inner[*].id
}

resource "aws_elasticache_parameter_group" "app" {
  name   = var.name
  family = "valkey8"

  # The queue is in it: nothing may be dropped for room.
  parameter {
    name  = "maxmemory-policy"
    value = "noeviction"
  }
}

resource "aws_elasticache_replication_group" "app" {
  replication_group_id       = var.name
  description                = "The queue and the cache"
  engine                     = "valkey"
  engine_version             = "8.0"
  node_type                  = var.cache_class
  num_cache_clusters         = 1
  parameter_group_name       = aws_elasticache_parameter_group.app.name
  subnet_group_name          = aws_elasticache_subnet_group.app.name
  security_group_ids         = [aws_security_group.servers.id]
  at_rest_encryption_enabled = true
  transit_encryption_enabled = true
  auth_token                 = random_password.made["valkey"].result
}

resource "aws_efs_file_system" "files" {
  encrypted       = true
  throughput_mode = "elastic"

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_efs_mount_target" "files" {
  count           = 2
  file_system_id  = aws_efs_file_system.files.id
  subnet_id       = aws_subnet.inner[count.index].id
  security_groups = [aws_security_group.servers.id]
}

# The folder of the image's user.
resource "aws_efs_access_point" "files" {
  file_system_id = aws_efs_file_system.files.id

  posix_user {
    uid = 10001
    gid = 10001
  }

  root_directory {
    path = "/data"

    creation_info {
      owner_uid   = 10001
      owner_gid   = 10001
      permissions = "700"
    }
  }
}

resource "aws_efs_backup_policy" "files" {
  file_system_id = aws_efs_file_system.files.id

  backup_policy {
    status = "ENABLED"
  }
}

resource "aws_secretsmanager_secret" "app" {
  name_prefix = "${var.name}-"
}

resource "aws_secretsmanager_secret_version" "app" {
  secret_id = aws_secretsmanager_secret.app.id
  secret_string = jsonencode({
    DJANGO_SECRET_KEY         = random_password.made["django_secret_key"].result
    DJANGO_SUPERUSER_PASSWORD = random_password.made["django_superuser_password"].result
    DATABASE_URL = format(
      "postgresql://app:%s@%s/app?sslmode=require",
      random_password.made["postgres"].result, aws_db_instance.app.endpoint,
    )
    REDIS_URL = format(
      "rediss://:%s@%s:6379/0?ssl_cert_reqs=required",
      random_password.made["valkey"].result,
      aws_elasticache_replication_group.app.primary_endpoint_address,
    )
  })
}
