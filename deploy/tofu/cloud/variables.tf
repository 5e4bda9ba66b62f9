variable "name" {
  description = "What everything is called."
  type        = string
  default     = "app"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,20}$", var.name))
    error_message = "The name has a-z, 0-9 and hyphens, and at most 21 of them."
  }
}

variable "region" {
  description = "Where it runs."
  type        = string
  default     = "eu-central-1"
}

variable "domain" {
  description = "The name in the browser's address bar. Let it point to the load balancer (outputs)."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9-]+(\\.[a-z0-9-]+)+$", var.domain))
    error_message = "The domain is a full name, such as www.example.org."
  }
}

variable "certificate_arn" {
  description = "The domain's certificate, of Certificate Manager in that region."
  type        = string

  validation {
    condition     = startswith(var.certificate_arn, "arn:aws")
    error_message = "The certificate is named by its ARN."
  }
}

variable "email" {
  description = "The first account's. Its password is in the secret (outputs)."
  type        = string

  validation {
    condition     = can(regex("^[^@\\s]+@[^@\\s]+$", var.email))
    error_message = "This is no email address."
  }
}

variable "tag" {
  description = "Of the image in the repository that is made here: a release has one of its own."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$", var.tag))
    error_message = "The tag is a name, such as 1.0."
  }
}

variable "settings" {
  description = "More environment of every container: docs/settings.md."
  type        = map(string)
  default     = {}
}

variable "counts" {
  description = "How many containers of a role, where it is not one."
  type        = map(number)
  default     = { web = 2 }

  validation {
    condition     = lookup(var.counts, "celerybeat", 1) == 1
    error_message = "There is exactly one celerybeat."
  }
}

variable "network" {
  description = "The network's addresses."
  type        = string
  default     = "10.0.0.0/16"

  validation {
    condition     = can(cidrsubnet(var.network, 8, 0))
    error_message = "The network has room for subnets, such as 10.0.0.0/16."
  }
}

variable "database_class" {
  description = "The machine of PostgreSQL."
  type        = string
  default     = "db.t4g.medium"
}

variable "cache_class" {
  description = "The machine of Valkey."
  type        = string
  default     = "cache.t4g.small"
}

variable "backup_days" {
  description = "For how many days the database's and the files' backups are kept."
  type        = number
  default     = 14

  validation {
    condition     = var.backup_days >= 1 && var.backup_days <= 35
    error_message = "Backups are kept for 1 to 35 days."
  }
}
