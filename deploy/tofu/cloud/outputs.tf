output "address" {
  description = "What the domain points to (CNAME or alias)."
  value       = aws_lb.app.dns_name
}

output "repository" {
  description = "Where the image is pushed, before anything can start."
  value       = aws_ecr_repository.app.repository_url
}

output "secret" {
  description = "Has the first account's password."
  value       = aws_secretsmanager_secret.app.name
}
