"""The orchestration REST API of Citrix sites, on a Delivery Controller or in Citrix Cloud."""
