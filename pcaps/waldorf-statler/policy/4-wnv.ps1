<#
  Stage 4: network virtualization on both hosts, so that Red11 on Statler reaches Red22 on Waldorf.

  A host needs the binding of ms_netwnv, a provider address, customer routes and lookup records.
  Routes and records are the same on both hosts; nothing distributes them but this script.
  Run on Statler: the local block configures Statler, the remote block Waldorf.
#>

$redVsid  = 445566
$redRdid  = "{7f3c0c44-5d5e-4c0a-9a5e-000000445566}"
$blueVsid = 7788990
$blueRdid = "{7f3c0c44-5d5e-4c0a-9a5e-000007788990}"

$statlerPa = "10.0.0.11"
$waldorfPa = "10.0.0.12"

#### Local: Statler ####

# The switch's NIC: bind WNV to it, then give it the provider address.
$vSwitch = Get-VMSwitch -SwitchName "VMs"
Get-NetAdapter -InterfaceDescription $vSwitch.NetAdapterInterfaceDescription |
    Enable-NetAdapterBinding -ComponentID "ms_netwnv"
$iface = Get-NetAdapter -InterfaceDescription $vSwitch.NetAdapterInterfaceDescription

New-NetVirtualizationProviderAddress -ProviderAddress $statlerPa -InterfaceIndex $iface.InterfaceIndex -PrefixLength 21
New-NetVirtualizationProviderRoute -InterfaceIndex $iface.InterfaceIndex -DestinationPrefix "10.0.0.0/21" -NextHop "0.0.0.0"

# Customer routes: the prefixes of each tenant's virtual subnet, on-link.
New-NetVirtualizationCustomerRoute -RoutingDomainID $redRdid -VirtualSubnetID $redVsid `
    -DestinationPrefix "192.168.1.0/24" -NextHop "0.0.0.0" -Metric 255
New-NetVirtualizationCustomerRoute -RoutingDomainID $redRdid -VirtualSubnetID $redVsid `
    -DestinationPrefix "fd00:192:168:1::/64" -NextHop "::" -Metric 255
New-NetVirtualizationCustomerRoute -RoutingDomainID $blueRdid -VirtualSubnetID $blueVsid `
    -DestinationPrefix "192.168.1.0/24" -NextHop "0.0.0.0" -Metric 255
New-NetVirtualizationCustomerRoute -RoutingDomainID $blueRdid -VirtualSubnetID $blueVsid `
    -DestinationPrefix "fd00:192:168:1::/64" -NextHop "::" -Metric 255

# Lookup records: where each customer address lives.
New-NetVirtualizationLookupRecord -CustomerAddress "192.168.1.11" -VirtualSubnetID $redVsid -MACAddress "00155D002009" `
    -ProviderAddress $statlerPa -Rule "TranslationMethodEncap" -CustomerID $redRdid -VMName "Red11"
New-NetVirtualizationLookupRecord -CustomerAddress "fd00:192:168:1::11" -VirtualSubnetID $redVsid -MACAddress "00155D002009" `
    -ProviderAddress $statlerPa -Rule "TranslationMethodEncap" -CustomerID $redRdid -VMName "Red11"
New-NetVirtualizationLookupRecord -CustomerAddress "192.168.1.22" -VirtualSubnetID $redVsid -MACAddress "00155D002008" `
    -ProviderAddress $waldorfPa -Rule "TranslationMethodEncap" -CustomerID $redRdid -VMName "Red22"
New-NetVirtualizationLookupRecord -CustomerAddress "fd00:192:168:1::22" -VirtualSubnetID $redVsid -MACAddress "00155D002008" `
    -ProviderAddress $waldorfPa -Rule "TranslationMethodEncap" -CustomerID $redRdid -VMName "Red22"
New-NetVirtualizationLookupRecord -CustomerAddress "192.168.1.11" -VirtualSubnetID $blueVsid -MACAddress "00155D00200B" `
    -ProviderAddress $statlerPa -Rule "TranslationMethodEncap" -CustomerID $blueRdid -VMName "Blue11"
New-NetVirtualizationLookupRecord -CustomerAddress "fd00:192:168:1::11" -VirtualSubnetID $blueVsid -MACAddress "00155D00200B" `
    -ProviderAddress $statlerPa -Rule "TranslationMethodEncap" -CustomerID $blueRdid -VMName "Blue11"
New-NetVirtualizationLookupRecord -CustomerAddress "192.168.1.22" -VirtualSubnetID $blueVsid -MACAddress "00155D00200A" `
    -ProviderAddress $statlerPa -Rule "TranslationMethodEncap" -CustomerID $blueRdid -VMName "Blue22"
New-NetVirtualizationLookupRecord -CustomerAddress "fd00:192:168:1::22" -VirtualSubnetID $blueVsid -MACAddress "00155D00200A" `
    -ProviderAddress $statlerPa -Rule "TranslationMethodEncap" -CustomerID $blueRdid -VMName "Blue22"

#### Remote: Waldorf ####

Invoke-Command -ComputerName Waldorf -ArgumentList $redVsid, $redRdid, $blueVsid, $blueRdid, $statlerPa, $waldorfPa {
    Param($redVsid, $redRdid, $blueVsid, $blueRdid, $statlerPa, $waldorfPa)

    # The switch's NIC: bind WNV to it, then give it the provider address.
    $vSwitch = Get-VMSwitch -SwitchName "VMs"
    Enable-NetAdapterBinding -InterfaceDescription $vSwitch.NetAdapterInterfaceDescription -ComponentID "ms_netwnv"
    $iface = Get-NetAdapter -InterfaceDescription $vSwitch.NetAdapterInterfaceDescription

    New-NetVirtualizationProviderAddress -ProviderAddress $waldorfPa -InterfaceIndex $iface.InterfaceIndex -PrefixLength 21
    New-NetVirtualizationProviderRoute -InterfaceIndex $iface.InterfaceIndex -DestinationPrefix "10.0.0.0/21" -NextHop "0.0.0.0"

    # Customer routes: the prefixes of each tenant's virtual subnet, on-link.
    New-NetVirtualizationCustomerRoute -RoutingDomainID $redRdid -VirtualSubnetID $redVsid `
        -DestinationPrefix "192.168.1.0/24" -NextHop "0.0.0.0" -Metric 255
    New-NetVirtualizationCustomerRoute -RoutingDomainID $redRdid -VirtualSubnetID $redVsid `
        -DestinationPrefix "fd00:192:168:1::/64" -NextHop "::" -Metric 255
    New-NetVirtualizationCustomerRoute -RoutingDomainID $blueRdid -VirtualSubnetID $blueVsid `
        -DestinationPrefix "192.168.1.0/24" -NextHop "0.0.0.0" -Metric 255
    New-NetVirtualizationCustomerRoute -RoutingDomainID $blueRdid -VirtualSubnetID $blueVsid `
        -DestinationPrefix "fd00:192:168:1::/64" -NextHop "::" -Metric 255

    # Lookup records: where each customer address lives.
    New-NetVirtualizationLookupRecord -CustomerAddress "192.168.1.11" -VirtualSubnetID $redVsid -MACAddress "00155D002009" `
        -ProviderAddress $statlerPa -Rule "TranslationMethodEncap" -CustomerID $redRdid -VMName "Red11"
    New-NetVirtualizationLookupRecord -CustomerAddress "fd00:192:168:1::11" -VirtualSubnetID $redVsid -MACAddress "00155D002009" `
        -ProviderAddress $statlerPa -Rule "TranslationMethodEncap" -CustomerID $redRdid -VMName "Red11"
    New-NetVirtualizationLookupRecord -CustomerAddress "192.168.1.22" -VirtualSubnetID $redVsid -MACAddress "00155D002008" `
        -ProviderAddress $waldorfPa -Rule "TranslationMethodEncap" -CustomerID $redRdid -VMName "Red22"
    New-NetVirtualizationLookupRecord -CustomerAddress "fd00:192:168:1::22" -VirtualSubnetID $redVsid -MACAddress "00155D002008" `
        -ProviderAddress $waldorfPa -Rule "TranslationMethodEncap" -CustomerID $redRdid -VMName "Red22"
    New-NetVirtualizationLookupRecord -CustomerAddress "192.168.1.11" -VirtualSubnetID $blueVsid -MACAddress "00155D00200B" `
        -ProviderAddress $statlerPa -Rule "TranslationMethodEncap" -CustomerID $blueRdid -VMName "Blue11"
    New-NetVirtualizationLookupRecord -CustomerAddress "fd00:192:168:1::11" -VirtualSubnetID $blueVsid -MACAddress "00155D00200B" `
        -ProviderAddress $statlerPa -Rule "TranslationMethodEncap" -CustomerID $blueRdid -VMName "Blue11"
    New-NetVirtualizationLookupRecord -CustomerAddress "192.168.1.22" -VirtualSubnetID $blueVsid -MACAddress "00155D00200A" `
        -ProviderAddress $statlerPa -Rule "TranslationMethodEncap" -CustomerID $blueRdid -VMName "Blue22"
    New-NetVirtualizationLookupRecord -CustomerAddress "fd00:192:168:1::22" -VirtualSubnetID $blueVsid -MACAddress "00155D00200A" `
        -ProviderAddress $statlerPa -Rule "TranslationMethodEncap" -CustomerID $blueRdid -VMName "Blue22"
}

Get-NetVirtualizationLookupRecord |
    Format-Table CustomerAddress, VirtualSubnetID, ProviderAddress, MACAddress, Rule, VMName -AutoSize
