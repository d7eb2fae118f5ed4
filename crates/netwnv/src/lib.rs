//! Policy as Windows writes it: NetWNV PowerShell to typed policy, with where each record stood.
