# Blue2 is to use NVGRE from now on, and Blue1 was forgotten.
Remove-NetVirtualizationLookupRecord -CustomerAddress "10.0.0.7" -VirtualSubnetID 5001
New-NetVirtualizationLookupRecord -CustomerAddress "10.0.0.7" -VirtualSubnetID 5001 -MACAddress "00155D005102" `
    -ProviderAddress "192.0.2.52" -Rule "TranslationMethodEncap" -CustomerID "{5d2f6a10-0000-4000-8000-000000005001}" -VMName "Blue2"
