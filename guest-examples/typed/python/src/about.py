"""What the plugin says of itself, as pyproject.toml has it, which is not there when the plugin runs."""

NAME = "heimdall-guard-py"
VERSION = "0.1.0"
SUMMARY = "A guard: refuses banned words, adds a system message, redacts secrets in answers and streams."
LICENSE = "Apache-2.0"
