# Blue's subnets and guests, the same on every host.

$rdid = "{5d2f6a10-0000-4000-8000-000000005001}"

New-NetVirtualizationCustomerRoute -RoutingDomainID $rdid -VirtualSubnetID 5001 -DestinationPrefix "10.0.1.0/24" -NextHop "0.0.0.0" -Metric 255
New-NetVirtualizationCustomerRoute -RoutingDomainID $rdid -VirtualSubnetID 5002 -DestinationPrefix "10.0.2.0/24" -NextHop "0.0.0.0" -Metric 255
New-NetVirtualizationCustomerRoute -RoutingDomainID $rdid -VirtualSubnetID 5999 -DestinationPrefix "10.0.254.0/24" -NextHop "0.0.0.0" -Metric 255

New-NetVirtualizationLookupRecord -CustomerAddress "10.0.1.5" -VirtualSubnetID 5001 -MACAddress "00155D005101" `
    -ProviderAddress "192.0.2.1" -Rule "TranslationMethodEncap" -CustomerID $rdid -VMName "Web"
New-NetVirtualizationLookupRecord -CustomerAddress "10.0.2.5" -VirtualSubnetID 5002 -MACAddress "00155D005201" `
    -ProviderAddress "192.0.2.2" -Rule "TranslationMethodEncap" -CustomerID $rdid -VMName "Data"
New-NetVirtualizationLookupRecord -CustomerAddress "10.0.254.2" -VirtualSubnetID 5999 -MACAddress "00155D005999" `
    -ProviderAddress "192.0.2.2" -Rule "TranslationMethodEncap" -CustomerID $rdid -VMName "Gateway"
