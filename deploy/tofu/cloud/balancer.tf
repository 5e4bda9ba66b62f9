# Ends TLS, in nginx' place.

resource "aws_lb" "app" {
  name            = var.name
  subnets         = aws_subnet.outer[*].id
  security_groups = [aws_security_group.balancer.id]
  idle_timeout    = 120 # event streams send a heartbeat every 15 seconds
}

resource "aws_lb_target_group" "web" {
  name                 = "${var.name}-web"
  vpc_id               = aws_vpc.app.id
  target_type          = "ip"
  protocol             = "HTTP"
  port                 = local.roles.web.port
  deregistration_delay = local.roles.web.grace

  health_check {
    path     = "/health/ready"
    interval = 10
    timeout  = 5
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.app.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web.arn
  }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.app.arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type = "redirect"

    redirect {
      protocol    = "HTTPS"
      port        = "443"
      status_code = "HTTP_301"
    }
  }
}
