# Stage 3: Red22 has been moved to Waldorf. Its port went with it, the virtual subnet included,
# so there is nothing to set, only to look at. Neither host knows how to reach the other's guests.
# Run on Statler.

# Local
Get-VMNetworkAdapter -VMName * | Format-Table VMName, MacAddress, VirtualSubnetId -AutoSize

# Remote
Invoke-Command -ComputerName Waldorf {
    Get-VMNetworkAdapter -VMName * | Format-Table VMName, MacAddress, VirtualSubnetId -AutoSize
}
