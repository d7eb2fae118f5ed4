Enable-NetAdapterBinding -InterfaceDescription NIC -ComponentID ms_netwnv
New-NetVirtualizationProviderAddress -ProviderAddress 192.0.2.1 -InterfaceIndex 2 -PrefixLength 24
New-NetVirtualizationCustomerRoute -RoutingDomainID "{5d2f6a10-0000-4000-8000-000000006001}" -VirtualSubnetID 6001 -DestinationPrefix 10.0.0.0/24 -NextHop 0.0.0.0 -Metric 255
New-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.5 -VirtualSubnetID 6001 -MACAddress 00155D006101 -ProviderAddress 192.0.2.1 -Rule TranslationMethodEncap -VMName Crimson1
