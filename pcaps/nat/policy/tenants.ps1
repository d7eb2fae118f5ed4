# Routes and records of both tenants, the same on every host.

$redVsid = 6001
$redRdid = "{5d2f6a10-0000-4000-8000-000000006001}"
$blueVsid = 5001
$blueRdid = "{5d2f6a10-0000-4000-8000-000000005001}"

New-NetVirtualizationCustomerRoute -RoutingDomainID $redRdid -VirtualSubnetID $redVsid -DestinationPrefix "10.0.0.0/24" -NextHop "0.0.0.0" -Metric 255
New-NetVirtualizationCustomerRoute -RoutingDomainID $blueRdid -VirtualSubnetID $blueVsid -DestinationPrefix "10.0.0.0/24" -NextHop "0.0.0.0" -Metric 255

New-NetVirtualizationLookupRecord -CustomerAddress "10.0.0.5" -VirtualSubnetID $redVsid -MACAddress "00155D006101" `
    -ProviderAddress "192.0.2.61" -Rule "TranslationMethodNat" -CustomerID $redRdid -VMName "Red1"
New-NetVirtualizationLookupRecord -CustomerAddress "10.0.0.7" -VirtualSubnetID $redVsid -MACAddress "00155D006102" `
    -ProviderAddress "192.0.2.62" -Rule "TranslationMethodNat" -CustomerID $redRdid -VMName "Red2"
New-NetVirtualizationLookupRecord -CustomerAddress "10.0.0.5" -VirtualSubnetID $blueVsid -MACAddress "00155D005101" `
    -ProviderAddress "192.0.2.51" -Rule "TranslationMethodNat" -CustomerID $blueRdid -VMName "Blue1"
New-NetVirtualizationLookupRecord -CustomerAddress "10.0.0.7" -VirtualSubnetID $blueVsid -MACAddress "00155D005102" `
    -ProviderAddress "192.0.2.52" -Rule "TranslationMethodNat" -CustomerID $blueRdid -VMName "Blue2"
