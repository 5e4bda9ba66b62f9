"""What the product's polls are compared with: a project as Django and DRF make one."""
