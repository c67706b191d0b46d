"""From an approved issue to every reader, once: plan, deliver, pause, receipt."""
