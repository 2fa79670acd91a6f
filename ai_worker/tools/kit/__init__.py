"""The hub's tools, one file each. What stands in DESCRIPTION is what hub, model and judge know of a tool.

`python -m setup.tool_table` writes the descriptions where the hub reads them.
"""
