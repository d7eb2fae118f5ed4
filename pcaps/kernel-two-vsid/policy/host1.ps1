# host1: its provider address, and where each customer address of both tenants lives.
# Routes and records are the same on both hosts. Run on host1.

$tenant1Vsid = 445566
$tenant1Rdid = "{b2a1c7d0-0000-4000-8000-000000445566}"
$tenant2Vsid = 445567
$tenant2Rdid = "{b2a1c7d0-0000-4000-8000-000000445567}"

$host1Pa = "192.0.2.1"
$host2Pa = "192.0.2.2"

$vSwitch = Get-VMSwitch -SwitchName "VMs"
Enable-NetAdapterBinding -InterfaceDescription $vSwitch.NetAdapterInterfaceDescription -ComponentID "ms_netwnv"
$iface = Get-NetAdapter -InterfaceDescription $vSwitch.NetAdapterInterfaceDescription

New-NetVirtualizationProviderAddress -ProviderAddress $host1Pa -InterfaceIndex $iface.InterfaceIndex -PrefixLength 24
New-NetVirtualizationProviderRoute -InterfaceIndex $iface.InterfaceIndex -DestinationPrefix "192.0.2.0/24" -NextHop "0.0.0.0"

# The guests send from their link-local addresses too, so these are customer addresses as well.
New-NetVirtualizationCustomerRoute -RoutingDomainID $tenant1Rdid -VirtualSubnetID $tenant1Vsid -DestinationPrefix "10.1.0.0/24" -NextHop "0.0.0.0" -Metric 255
New-NetVirtualizationCustomerRoute -RoutingDomainID $tenant1Rdid -VirtualSubnetID $tenant1Vsid -DestinationPrefix "fd00:1::/64" -NextHop "::" -Metric 255
New-NetVirtualizationCustomerRoute -RoutingDomainID $tenant1Rdid -VirtualSubnetID $tenant1Vsid -DestinationPrefix "fe80::/64" -NextHop "::" -Metric 255
New-NetVirtualizationCustomerRoute -RoutingDomainID $tenant2Rdid -VirtualSubnetID $tenant2Vsid -DestinationPrefix "10.1.0.0/24" -NextHop "0.0.0.0" -Metric 255
New-NetVirtualizationCustomerRoute -RoutingDomainID $tenant2Rdid -VirtualSubnetID $tenant2Vsid -DestinationPrefix "fd00:1::/64" -NextHop "::" -Metric 255
New-NetVirtualizationCustomerRoute -RoutingDomainID $tenant2Rdid -VirtualSubnetID $tenant2Vsid -DestinationPrefix "fe80::/64" -NextHop "::" -Metric 255

New-NetVirtualizationLookupRecord -CustomerAddress "10.1.0.1" -VirtualSubnetID $tenant1Vsid -MACAddress "00155D01020A" `
    -ProviderAddress $host1Pa -Rule "TranslationMethodEncap" -CustomerID $tenant1Rdid -VMName "t1-h1"
New-NetVirtualizationLookupRecord -CustomerAddress "fd00:1::1" -VirtualSubnetID $tenant1Vsid -MACAddress "00155D01020A" `
    -ProviderAddress $host1Pa -Rule "TranslationMethodEncap" -CustomerID $tenant1Rdid -VMName "t1-h1"
New-NetVirtualizationLookupRecord -CustomerAddress "fe80::215:5dff:fe01:20a" -VirtualSubnetID $tenant1Vsid -MACAddress "00155D01020A" `
    -ProviderAddress $host1Pa -Rule "TranslationMethodEncap" -CustomerID $tenant1Rdid -VMName "t1-h1"
New-NetVirtualizationLookupRecord -CustomerAddress "10.1.0.2" -VirtualSubnetID $tenant1Vsid -MACAddress "00155D02020A" `
    -ProviderAddress $host2Pa -Rule "TranslationMethodEncap" -CustomerID $tenant1Rdid -VMName "t1-h2"
New-NetVirtualizationLookupRecord -CustomerAddress "fd00:1::2" -VirtualSubnetID $tenant1Vsid -MACAddress "00155D02020A" `
    -ProviderAddress $host2Pa -Rule "TranslationMethodEncap" -CustomerID $tenant1Rdid -VMName "t1-h2"
New-NetVirtualizationLookupRecord -CustomerAddress "fe80::215:5dff:fe02:20a" -VirtualSubnetID $tenant1Vsid -MACAddress "00155D02020A" `
    -ProviderAddress $host2Pa -Rule "TranslationMethodEncap" -CustomerID $tenant1Rdid -VMName "t1-h2"
New-NetVirtualizationLookupRecord -CustomerAddress "10.1.0.1" -VirtualSubnetID $tenant2Vsid -MACAddress "00155D01020A" `
    -ProviderAddress $host1Pa -Rule "TranslationMethodEncap" -CustomerID $tenant2Rdid -VMName "t2-h1"
New-NetVirtualizationLookupRecord -CustomerAddress "fd00:1::1" -VirtualSubnetID $tenant2Vsid -MACAddress "00155D01020A" `
    -ProviderAddress $host1Pa -Rule "TranslationMethodEncap" -CustomerID $tenant2Rdid -VMName "t2-h1"
New-NetVirtualizationLookupRecord -CustomerAddress "fe80::215:5dff:fe01:20a" -VirtualSubnetID $tenant2Vsid -MACAddress "00155D01020A" `
    -ProviderAddress $host1Pa -Rule "TranslationMethodEncap" -CustomerID $tenant2Rdid -VMName "t2-h1"
New-NetVirtualizationLookupRecord -CustomerAddress "10.1.0.2" -VirtualSubnetID $tenant2Vsid -MACAddress "00155D02020A" `
    -ProviderAddress $host2Pa -Rule "TranslationMethodEncap" -CustomerID $tenant2Rdid -VMName "t2-h2"
New-NetVirtualizationLookupRecord -CustomerAddress "fd00:1::2" -VirtualSubnetID $tenant2Vsid -MACAddress "00155D02020A" `
    -ProviderAddress $host2Pa -Rule "TranslationMethodEncap" -CustomerID $tenant2Rdid -VMName "t2-h2"
New-NetVirtualizationLookupRecord -CustomerAddress "fe80::215:5dff:fe02:20a" -VirtualSubnetID $tenant2Vsid -MACAddress "00155D02020A" `
    -ProviderAddress $host2Pa -Rule "TranslationMethodEncap" -CustomerID $tenant2Rdid -VMName "t2-h2"
