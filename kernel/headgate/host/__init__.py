"""Finds plugins, checks them, collects what they declare, and turns policies into something that serves."""
