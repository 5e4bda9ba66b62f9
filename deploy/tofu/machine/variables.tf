variable "name" {
  description = "What the machine and its parts are called."
  type        = string
  default     = "app"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}$", var.name))
    error_message = "The name has a-z, 0-9 and hyphens, and at most 31 of them."
  }
}

variable "domain" {
  description = "The name in the browser's address bar. Let it point to the machine's addresses (outputs)."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9-]+(\\.[a-z0-9-]+)+$", var.domain))
    error_message = "The domain is a full name, such as www.example.org."
  }
}

variable "email" {
  description = "The first account's, and where Let's Encrypt writes to."
  type        = string

  validation {
    condition     = can(regex("^[^@\\s]+@[^@\\s]+$", var.email))
    error_message = "This is no email address."
  }
}

variable "image" {
  description = "The image, which the machine can pull without a password; best by its digest."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-zA-Z0-9._/:@-]+$", var.image))
    error_message = "The image is a name, such as registry.example.org/you/app:1.0."
  }
}

variable "repository" {
  description = "Where git finds production.yml and docker/, without a password."
  type        = string

  validation {
    condition     = startswith(var.repository, "https://")
    error_message = "The repository is an https:// URL."
  }
}

variable "release" {
  description = "The tag of the repository that belongs to the image."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]+$", var.release))
    error_message = "The release is a tag, such as v1.0."
  }
}

variable "ssh_public_key" {
  description = "Who may sign in to the machine as root."
  type        = string

  validation {
    condition     = can(regex("^(ssh-ed25519|ssh-rsa|ecdsa-sha2-\\S+|sk-\\S+) ", var.ssh_public_key))
    error_message = "This is no public key of SSH."
  }
}

variable "ssh_from" {
  description = "From which networks."
  type        = list(string)

  validation {
    condition     = alltrue([for network in var.ssh_from : can(cidrhost(network, 0))])
    error_message = "Each is a network, such as 203.0.113.7/32."
  }
}

variable "location" {
  description = "The data center."
  type        = string
  default     = "fsn1"
}

variable "server_type" {
  description = "The machine: the containers of production.yml may take 8 GB together."
  type        = string
  default     = "cx43"
}

variable "volume_gb" {
  description = "Room for the database, uploads and results."
  type        = number
  default     = 100

  validation {
    condition     = var.volume_gb >= 10 && var.volume_gb <= 10000
    error_message = "A volume has 10 to 10,000 GB."
  }
}
