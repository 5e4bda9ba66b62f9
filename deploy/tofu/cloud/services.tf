# The image, and a service of Fargate for each role in roles.json.

locals {
  roles = {
    for name, role in jsondecode(file("${path.module}/roles.json")) : name => merge(
      { port = null, files = false, singleton = false, environment = {}, secrets = [] }, role,
    )
  }
  environment = merge({
    DJANGO_SETTINGS_MODULE = "backend_django.config.settings.production"
    DJANGO_ALLOWED_HOSTS   = var.domain
    DJANGO_SUPERUSER_EMAIL = var.email
    TRUSTED_PROXY_COUNT    = "1"
  }, var.settings)
  secrets = ["DATABASE_URL", "DJANGO_SECRET_KEY", "REDIS_URL"]
}

resource "aws_ecr_repository" "app" {
  name                 = var.name
  image_tag_mutability = "IMMUTABLE"

  image_scanning_configuration {
    scan_on_push = true
  }
}

resource "aws_cloudwatch_log_group" "app" {
  name              = var.name
  retention_in_days = 30
}

data "aws_iam_policy_document" "tasks" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
  }
}

# What starts a container: reads the image and the secrets.
resource "aws_iam_role" "start" {
  name               = "${var.name}-start"
  assume_role_policy = data.aws_iam_policy_document.tasks.json
}

resource "aws_iam_role_policy_attachment" "start" {
  role       = aws_iam_role.start.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

data "aws_iam_policy_document" "secrets" {
  statement {
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [aws_secretsmanager_secret.app.arn]
  }
}

resource "aws_iam_role_policy" "secrets" {
  name   = "secrets"
  role   = aws_iam_role.start.id
  policy = data.aws_iam_policy_document.secrets.json
}

# What a container itself may do: mount the files.
resource "aws_iam_role" "app" {
  name               = var.name
  assume_role_policy = data.aws_iam_policy_document.tasks.json
}

data "aws_iam_policy_document" "files" {
  statement {
    actions   = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
    resources = [aws_efs_file_system.files.arn]
  }
}

resource "aws_iam_role_policy" "files" {
  name   = "files"
  role   = aws_iam_role.app.id
  policy = data.aws_iam_policy_document.files.json
}

resource "aws_ecs_cluster" "app" {
  name = var.name
}

resource "aws_ecs_task_definition" "role" {
  for_each                 = local.roles
  family                   = "${var.name}-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = each.value.cpu
  memory                   = each.value.memory
  execution_role_arn       = aws_iam_role.start.arn
  task_role_arn            = aws_iam_role.app.arn

  container_definitions = jsonencode([{
    name         = "app"
    image        = "${aws_ecr_repository.app.repository_url}:${var.tag}"
    essential    = true
    command      = each.value.command
    stopTimeout  = each.value.grace
    portMappings = each.value.port == null ? [] : [{ containerPort = each.value.port, protocol = "tcp" }]
    linuxParameters = {
      initProcessEnabled = true
      capabilities       = { drop = ["ALL"] }
    }
    environment = [
      for name, value in merge(local.environment, each.value.environment) : { name = name, value = value }
    ]
    secrets = [
      for name in concat(local.secrets, each.value.secrets) :
      { name = name, valueFrom = "${aws_secretsmanager_secret.app.arn}:${name}::" }
    ]
    healthCheck = {
      command     = ["CMD", "/healthcheck"]
      interval    = 30
      timeout     = 10
      retries     = 5
      startPeriod = 300
    }
    mountPoints = each.value.files ? [{ sourceVolume = "files", containerPath = "/data" }] : []
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.app.name
        awslogs-region        = var.region
        awslogs-stream-prefix = each.key
      }
    }
  }])

  dynamic "volume" {
    for_each = each.value.files ? ["files"] : []

    content {
      name = volume.value

      efs_volume_configuration {
        file_system_id     = aws_efs_file_system.files.id
        transit_encryption = "ENABLED"

        authorization_config {
          access_point_id = aws_efs_access_point.files.id
          iam             = "ENABLED"
        }
      }
    }
  }
}

resource "aws_ecs_service" "role" {
  for_each        = local.roles
  name            = each.key
  cluster         = aws_ecs_cluster.app.id
  task_definition = aws_ecs_task_definition.role[each.key].arn
  launch_type     = "FARGATE"
  desired_count   = lookup(var.counts, each.key, 1)
  # The new ones are healthy before the old ones stop; of a singleton there are never two.
  deployment_minimum_healthy_percent = each.value.singleton ? 0 : 100
  deployment_maximum_percent         = each.value.singleton ? 100 : 200
  health_check_grace_period_seconds  = each.value.port == null ? null : 300
  propagate_tags                     = "SERVICE"

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = aws_subnet.outer[*].id
    security_groups  = [aws_security_group.containers.id]
    assign_public_ip = true
  }

  dynamic "load_balancer" {
    for_each = each.value.port == null ? [] : [each.value.port]

    content {
      target_group_arn = aws_lb_target_group.web.arn
      container_name   = "app"
      container_port   = load_balancer.value
    }
  }

  depends_on = [
    aws_efs_mount_target.files,
    aws_iam_role_policy.files,
    aws_iam_role_policy.secrets,
    aws_iam_role_policy_attachment.start,
    aws_lb_listener.https,
    aws_secretsmanager_secret_version.app,
  ]
}
