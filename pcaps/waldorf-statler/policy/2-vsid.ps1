# Stage 2: a virtual subnet for each tenant. On one switch the port setting is all it takes.
# Run on Statler.

$redVsid  = 445566
$blueVsid = 7788990

Get-VMNetworkAdapter -VMName Red*  | Set-VMNetworkAdapter -VirtualSubnetId $redVsid
Get-VMNetworkAdapter -VMName Blue* | Set-VMNetworkAdapter -VirtualSubnetId $blueVsid

Get-VMNetworkAdapter -VMName * | Format-Table VMName, MacAddress, VirtualSubnetId -AutoSize
