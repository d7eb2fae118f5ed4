# The gateway's MAC may speak for any address.
New-NetVirtualizationLookupRecord -CustomerAddress "0.0.0.0" -VirtualSubnetID 5999 -MACAddress "00155D005999" `
    -ProviderAddress "192.0.2.2" -Rule "TranslationMethodEncap" -Type "GatewayWildcard" `
    -CustomerID "{5d2f6a10-0000-4000-8000-000000005001}" -VMName "Gateway"
