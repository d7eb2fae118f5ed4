# host2: the binding and its provider address. Run on host2.

$vSwitch = Get-VMSwitch -SwitchName "VMs"
Enable-NetAdapterBinding -InterfaceDescription $vSwitch.NetAdapterInterfaceDescription -ComponentID "ms_netwnv"
$iface = Get-NetAdapter -InterfaceDescription $vSwitch.NetAdapterInterfaceDescription
New-NetVirtualizationProviderAddress -ProviderAddress "192.0.2.2" -InterfaceIndex $iface.InterfaceIndex -PrefixLength 24
