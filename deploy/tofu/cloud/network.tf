# Two zones. Containers are in the outer subnets, where they reach the internet without a gateway that
# costs by the hour, and nobody reaches them but the load balancer; servers are in the inner ones.

data "aws_availability_zones" "all" {
  state = "available"
}

locals {
  zones = slice(data.aws_availability_zones.all.names, 0, 2)
}

resource "aws_vpc" "app" {
  cidr_block           = var.network
  enable_dns_hostnames = true
}

resource "aws_internet_gateway" "app" {
  vpc_id = aws_vpc.app.id
}

resource "aws_subnet" "outer" {
  count             = 2
  vpc_id            = aws_vpc.app.id
  availability_zone = local.zones[count.index]
  cidr_block        = cidrsubnet(var.network, 8, count.index)
}

resource "aws_subnet" "inner" {
  count             = 2
  vpc_id            = aws_vpc.app.id
  availability_zone = local.zones[count.index]
  cidr_block        = cidrsubnet(var.network, 8, 10 + count.index)
}

resource "aws_route_table" "outer" {
  vpc_id = aws_vpc.app.id

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.app.id
  }
}

resource "aws_route_table_association" "outer" {
  count          = 2
  subnet_id      = aws_subnet.outer[count.index].id
  route_table_id = aws_route_table.outer.id
}

resource "aws_security_group" "balancer" {
  name        = "${var.name}-balancer"
  description = "People"
  vpc_id      = aws_vpc.app.id
}

resource "aws_security_group" "containers" {
  name        = "${var.name}-containers"
  description = "The image's roles"
  vpc_id      = aws_vpc.app.id
}

resource "aws_security_group" "servers" {
  name        = "${var.name}-servers"
  description = "PostgreSQL, Valkey and files"
  vpc_id      = aws_vpc.app.id
}

resource "aws_vpc_security_group_ingress_rule" "people" {
  for_each          = toset(["80", "443"])
  security_group_id = aws_security_group.balancer.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = tonumber(each.key)
  to_port           = tonumber(each.key)
}

resource "aws_vpc_security_group_egress_rule" "to_web" {
  security_group_id            = aws_security_group.balancer.id
  referenced_security_group_id = aws_security_group.containers.id
  ip_protocol                  = "tcp"
  from_port                    = local.roles.web.port
  to_port                      = local.roles.web.port
}

resource "aws_vpc_security_group_ingress_rule" "to_web" {
  security_group_id            = aws_security_group.containers.id
  referenced_security_group_id = aws_security_group.balancer.id
  ip_protocol                  = "tcp"
  from_port                    = local.roles.web.port
  to_port                      = local.roles.web.port
}

resource "aws_vpc_security_group_egress_rule" "containers" {
  security_group_id = aws_security_group.containers.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}

resource "aws_vpc_security_group_ingress_rule" "to_servers" {
  for_each                     = { postgres = 5432, valkey = 6379, files = 2049 }
  security_group_id            = aws_security_group.servers.id
  referenced_security_group_id = aws_security_group.containers.id
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
}
