terraform {
  required_version = ">= 1.8.0"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.34"
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.7"
    }
  }
}

# Takes its account as the command line does.
provider "aws" {
  region = var.region

  default_tags {
    tags = { app = var.name }
  }
}
