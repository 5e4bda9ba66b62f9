# One machine that runs production.yml behind nginx and certbot, with its data on a volume of its own.

resource "hcloud_ssh_key" "admin" {
  name       = var.name
  public_key = var.ssh_public_key
}

resource "hcloud_firewall" "machine" {
  name = var.name

  rule {
    description = "People"
    direction   = "in"
    protocol    = "tcp"
    port        = "443"
    source_ips  = ["0.0.0.0/0", "::/0"]
  }
  rule {
    description = "Sent on to 443; the challenge of Let's Encrypt"
    direction   = "in"
    protocol    = "tcp"
    port        = "80"
    source_ips  = ["0.0.0.0/0", "::/0"]
  }
  rule {
    description = "Admins"
    direction   = "in"
    protocol    = "tcp"
    port        = "22"
    source_ips  = var.ssh_from
  }
}

resource "hcloud_volume" "data" {
  name              = var.name
  location          = var.location
  size              = var.volume_gb
  format            = "ext4"
  delete_protection = true
}

resource "hcloud_server" "machine" {
  name         = var.name
  location     = var.location
  server_type  = var.server_type
  image        = "ubuntu-24.04"
  ssh_keys     = [hcloud_ssh_key.admin.id]
  firewall_ids = [hcloud_firewall.machine.id]
  # Daily, of the machine's own disk: where the archives of `manage.py backup` are.
  backups = true
  user_data = templatefile("${path.module}/cloud-init.yml.tftpl", {
    domain     = var.domain
    email      = var.email
    image      = var.image
    repository = var.repository
    release    = var.release
    device     = hcloud_volume.data.linux_device
  })

  lifecycle {
    # A later release is started on the machine (docs/deploy.md), not by making it anew.
    ignore_changes = [user_data, image, ssh_keys]
  }
}

resource "hcloud_volume_attachment" "data" {
  volume_id = hcloud_volume.data.id
  server_id = hcloud_server.machine.id
}
