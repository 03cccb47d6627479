"""Traces as words and pictures: pure functions from data to text and SVG."""
