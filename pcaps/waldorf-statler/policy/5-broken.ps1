# Stage 5: Red22's records are made again, with the wrong provider address.
# Run on Statler.

$redVsid = 445566
$redRdid = "{7f3c0c44-5d5e-4c0a-9a5e-000000445566}"

# Well inside the provider subnet, and no host has it.
$wrongPa = "10.0.0.21"

# Local
Get-NetVirtualizationLookupRecord -VMName Red22 | Remove-NetVirtualizationLookupRecord
New-NetVirtualizationLookupRecord -CustomerAddress "192.168.1.22" -VirtualSubnetID $redVsid -MACAddress "00155D002008" `
    -ProviderAddress $wrongPa -Rule "TranslationMethodEncap" -CustomerID $redRdid -VMName "Red22"
New-NetVirtualizationLookupRecord -CustomerAddress "fd00:192:168:1::22" -VirtualSubnetID $redVsid -MACAddress "00155D002008" `
    -ProviderAddress $wrongPa -Rule "TranslationMethodEncap" -CustomerID $redRdid -VMName "Red22"

# Remote
Invoke-Command -ComputerName Waldorf -ArgumentList $redVsid, $redRdid, $wrongPa {
    Param($redVsid, $redRdid, $wrongPa)

    Get-NetVirtualizationLookupRecord -VMName Red22 | Remove-NetVirtualizationLookupRecord
    New-NetVirtualizationLookupRecord -CustomerAddress "192.168.1.22" -VirtualSubnetID $redVsid -MACAddress "00155D002008" `
        -ProviderAddress $wrongPa -Rule "TranslationMethodEncap" -CustomerID $redRdid -VMName "Red22"
    New-NetVirtualizationLookupRecord -CustomerAddress "fd00:192:168:1::22" -VirtualSubnetID $redVsid -MACAddress "00155D002008" `
        -ProviderAddress $wrongPa -Rule "TranslationMethodEncap" -CustomerID $redRdid -VMName "Red22"
}

Get-NetVirtualizationLookupRecord -VMName Red22 | Format-Table CustomerAddress, VirtualSubnetID, ProviderAddress, VMName -AutoSize
