# Whatever is in none of Blue's subnets goes to the gateway.
New-NetVirtualizationCustomerRoute -RoutingDomainID "{5d2f6a10-0000-4000-8000-000000005001}" -VirtualSubnetID 5999 `
    -DestinationPrefix "0.0.0.0/0" -NextHop "10.0.254.2" -Metric 255
