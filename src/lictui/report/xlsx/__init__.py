"""The report as a workbook that a spreadsheet user goes on working in."""
