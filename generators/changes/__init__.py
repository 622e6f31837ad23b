"""Entities that live, change and end."""
