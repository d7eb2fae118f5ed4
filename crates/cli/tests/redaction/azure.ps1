New-NetVirtualizationCustomerRoute -RoutingDomainID "{5d2f6a10-0000-4000-8000-000000007001}" -VirtualSubnetID 7001 -DestinationPrefix 10.0.0.0/24 -NextHop 0.0.0.0 -Metric 255
New-NetVirtualizationCustomerRoute -RoutingDomainID "{5d2f6a10-0000-4000-8000-000000007001}" -VirtualSubnetID 7001 -DestinationPrefix 10.77.0.0/24 -NextHop 0.0.0.0 -Metric 255
New-NetVirtualizationLookupRecord -CustomerAddress 10.0.0.7 -VirtualSubnetID 7001 -MACAddress 00155D007707 -ProviderAddress 192.0.2.1 -Rule TranslationMethodEncap -VMName Azure7
New-NetVirtualizationLookupRecord -CustomerAddress 10.77.0.7 -VirtualSubnetID 7001 -MACAddress 00155D007707 -ProviderAddress 192.0.2.1 -Rule TranslationMethodEncap -VMName Azure7
