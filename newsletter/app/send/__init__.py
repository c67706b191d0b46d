"""From an approved issue to every reader, exactly once: plan, deliver, pause, receipt."""
