"""License Usage Insights, simulated: the API for partners, behind the older trust service.

Read it from `service` (which path answers what, to whom) to `bodies` (field names) and `account`
(the figures).
"""
