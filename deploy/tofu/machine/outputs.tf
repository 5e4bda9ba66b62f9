output "ipv4" {
  description = "For the domain's A record."
  value       = hcloud_server.machine.ipv4_address
}

output "ipv6" {
  description = "For its AAAA record."
  value       = hcloud_server.machine.ipv6_address
}
