"""License servers on premises: their WMI classes, read over WS-Management."""
