# host2: a provider address for each customer address that it hosts. A rewritten packet carries no VSID,
# so the address alone has to tell whose it is. Run on host2.

$vSwitch = Get-VMSwitch -SwitchName "VMs"
Enable-NetAdapterBinding -InterfaceDescription $vSwitch.NetAdapterInterfaceDescription -ComponentID "ms_netwnv"
$iface = Get-NetAdapter -InterfaceDescription $vSwitch.NetAdapterInterfaceDescription

New-NetVirtualizationProviderAddress -ProviderAddress "192.0.2.62" -InterfaceIndex $iface.InterfaceIndex -PrefixLength 24  # Red2
New-NetVirtualizationProviderAddress -ProviderAddress "192.0.2.52" -InterfaceIndex $iface.InterfaceIndex -PrefixLength 24  # Blue2
