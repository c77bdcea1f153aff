"""Copies that leave the system: faces and other vehicles' plates are blurred, originals stay as they are."""
