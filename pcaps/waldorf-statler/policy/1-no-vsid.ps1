<#
  Stage 1: back to the start. No port has a virtual subnet and no host virtualizes networks.
  Red and Blue use the same addresses, and now they share one wire.

  Run on Statler. (Typographic quotes and dashes, as text copied from a web page has them, are the plain ones to PowerShell.)
#>

# All four guests are on Statler. 0 takes the virtual subnet away.
Get-VMNetworkAdapter -VMName “Red*” | Set-VMNetworkAdapter –VirtualSubnetId 0
Get-VMNetworkAdapter -VMName “Blue*” | Set-VMNetworkAdapter –VirtualSubnetId 0

# Local: taking the binding off drops every record, route and provider address of the host.
$vSwitch = Get-VMSwitch -SwitchName "VMs"
Disable-NetAdapterBinding -InterfaceDescription $vSwitch.NetAdapterInterfaceDescription -ComponentID "ms_netwnv"

# Remote: the same.
Invoke-Command -ComputerName Waldorf {
    $vSwitch = Get-VMSwitch -SwitchName "VMs"
    Disable-NetAdapterBinding -InterfaceDescription $vSwitch.NetAdapterInterfaceDescription -ComponentID "ms_netwnv"
}

Get-VMNetworkAdapter -VMName * | Format-Table VMName, MacAddress, VirtualSubnetId -AutoSize
