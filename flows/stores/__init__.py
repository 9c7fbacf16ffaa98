"""Typed readers and writers of what others see: live models, the registry, the lake."""
