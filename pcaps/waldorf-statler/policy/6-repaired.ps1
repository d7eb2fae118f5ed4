# Stage 6: Red22's records are made again, with the provider address of the host it runs on.
# Run on Statler.

$redVsid = 445566
$redRdid = "{7f3c0c44-5d5e-4c0a-9a5e-000000445566}"

# Waldorf's.
$waldorfPa = "10.0.0.12"

# Local
Get-NetVirtualizationLookupRecord -VMName Red22 | Remove-NetVirtualizationLookupRecord
New-NetVirtualizationLookupRecord -CustomerAddress "192.168.1.22" -VirtualSubnetID $redVsid -MACAddress "00155D002008" `
    -ProviderAddress $waldorfPa -Rule "TranslationMethodEncap" -CustomerID $redRdid -VMName "Red22"
New-NetVirtualizationLookupRecord -CustomerAddress "fd00:192:168:1::22" -VirtualSubnetID $redVsid -MACAddress "00155D002008" `
    -ProviderAddress $waldorfPa -Rule "TranslationMethodEncap" -CustomerID $redRdid -VMName "Red22"

# Remote
Invoke-Command -ComputerName Waldorf -ArgumentList $redVsid, $redRdid, $waldorfPa {
    Param($redVsid, $redRdid, $waldorfPa)

    Get-NetVirtualizationLookupRecord -VMName Red22 | Remove-NetVirtualizationLookupRecord
    New-NetVirtualizationLookupRecord -CustomerAddress "192.168.1.22" -VirtualSubnetID $redVsid -MACAddress "00155D002008" `
        -ProviderAddress $waldorfPa -Rule "TranslationMethodEncap" -CustomerID $redRdid -VMName "Red22"
    New-NetVirtualizationLookupRecord -CustomerAddress "fd00:192:168:1::22" -VirtualSubnetID $redVsid -MACAddress "00155D002008" `
        -ProviderAddress $waldorfPa -Rule "TranslationMethodEncap" -CustomerID $redRdid -VMName "Red22"
}

Get-NetVirtualizationLookupRecord -VMName Red22 | Format-Table CustomerAddress, VirtualSubnetID, ProviderAddress, VMName -AutoSize
