"""Any FlexNet license server, by lmutil."""
