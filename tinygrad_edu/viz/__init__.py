"""Seeing: graphs as pictures and text."""
