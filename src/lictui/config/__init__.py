"""config.toml, servers.toml, state.toml and secrets; every error says file, line and key."""
