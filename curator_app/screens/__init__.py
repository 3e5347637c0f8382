"""What people see in the browser: wiring only."""
