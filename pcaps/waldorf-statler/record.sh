#!/usr/bin/env bash
# Records red.pcap and blue.pcap beside this script: the traffic of the two tenants of the story, made by the
# network stacks of this machine's kernel. Run as root; needs iproute2, ethtool, tcpdump, ping, arping, python3.
#
#   sudo ./record.sh
#
# Per tenant three network namespaces: the two guests and, between them, one bridge (the tenant's own wire).
#
#   nvgre-red11 [eth0] ---- [port11] br0 [port22] ---- [eth0] nvgre-red22        nvgre-red-wire holds br0
#
# Red and Blue use the SAME addresses and never touch: that they keep apart on a shared network is what the
# replay has to show. tcpdump listens on br0, so each frame a guest sends is recorded once, whoever gets it.
# Only namespaces made here are used, and they are removed at the end, also after a failure.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ "$(id -u)" = 0 ] || { echo "record.sh: needs root, to make network namespaces" >&2; exit 2; }

namespaces=() recorders=() servers=()
cleanup() {
  for pid in ${servers[@]+"${servers[@]}"} ${recorders[@]+"${recorders[@]}"}; do kill "$pid" 2>/dev/null || true; done
  for ns in ${namespaces[@]+"${namespaces[@]}"}; do ip netns del "$ns"; done
  rm -f "$here"/{red,blue}.{pcap,log}.tmp
}
trap cleanup EXIT

new_namespace() {
  ip netns add "$1"                      # fails if it is there already: then it is not ours
  namespaces+=("$1")
}

# wire TENANT: a bridge that sends nothing of its own.
wire() {
  local ns=nvgre-$1-wire
  new_namespace "$ns"
  ip netns exec "$ns" sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
  # A snooping bridge would keep MLD reports from the other guest.
  ip -n "$ns" link add br0 type bridge stp_state 0 mcast_snooping 0 mcast_querier 0
  ip -n "$ns" link set br0 up
}

# guest TENANT NUMBER MAC: a guest with one NIC, plugged into the tenant's bridge, still down.
guest() {
  local ns=nvgre-$1$2 wire=nvgre-$1-wire end
  new_namespace "$ns"
  ip -n "$ns" link add eth0 address "$3" mtu 1500 type veth peer name "port$2" netns "$wire"
  # Offloads off at both ends: frames as they are on a wire, at most 1500 bytes of IP, with real checksums.
  for end in "$ns eth0" "$wire port$2"; do
    ip netns exec "${end% *}" ethtool -K "${end#* }" tx off rx off tso off gso off gro off sg off >/dev/null
  done
  # No link-local address: the guests have exactly the addresses the scenario lists.
  ip -n "$ns" link set eth0 addrgenmode none
}

# boot TENANT NUMBER: up, then what a starting Windows guest does: probe for its address (RFC 5227), take it, announce it.
boot() {
  local ns=nvgre-$1$2
  ip -n "$ns" link set lo up
  ip -n "$ns" link set eth0 up
  ip netns exec "$ns" arping -q -D -c 2 -I eth0 "192.168.1.$2"
  ip -n "$ns" addr add "192.168.1.$2/24" dev eth0
  ip -n "$ns" addr add "fd00:192:168:1::$2/64" dev eth0
  ip netns exec "$ns" arping -q -U -c 1 -I eth0 "192.168.1.$2"
}

# talk TENANT: everything guest 11 says to guest 22, and the other way.
talk() {
  local a="ip netns exec nvgre-${1}11" b="ip netns exec nvgre-${1}22"
  $a ping -q -c 3 -i 0.3 192.168.1.22
  $b ping -q -c 2 -i 0.3 192.168.1.11
  $a ping -q -c 3 -i 0.3 fd00:192:168:1::22
  $b ping -q -c 2 -i 0.3 fd00:192:168:1::11
  $a ping -q -c 1 -s 3000 192.168.1.22               # larger than the MTU: fragments
  $a ping -q -c 1 -s 3000 fd00:192:168:1::22
  $a python3 "$here/traffic.py" ask "${1^}" 192.168.1.22 200000
  $a python3 "$here/traffic.py" ask "${1^}" fd00:192:168:1::22 40000
  $b ip neigh change 192.168.1.11 dev eth0 nud probe         # as when it is stale: asked again, by unicast
  sleep 1
  $b ping -q -c 1 192.168.1.11
  $b ping -q -c 1 fd00:192:168:1::11
}

for tenant in red blue; do wire $tenant; done
guest red  11 00:15:5d:00:20:09
guest red  22 00:15:5d:00:20:08
guest blue 11 00:15:5d:00:20:0b
guest blue 22 00:15:5d:00:20:0a

for tenant in red blue; do
  # A snap length near the MTU keeps the ring's slots small; with the default one the ring holds 32 frames and loses some.
  ip netns exec nvgre-$tenant-wire tcpdump -n -Z root -s 2048 -B 8192 --immediate-mode -U \
    --time-stamp-precision=nano -i br0 -w "$here/$tenant.pcap.tmp" 2>"$here/$tenant.log.tmp" &
  recorders+=($!)
done
sleep 2
for tenant in red blue; do
  ip -n nvgre-$tenant-wire link set port11 master br0 up
  ip -n nvgre-$tenant-wire link set port22 master br0 up
done

booting=()
for guest in "red 11" "red 22" "blue 11" "blue 22"; do boot ${guest% *} ${guest#* } & booting+=($!); done
for pid in "${booting[@]}"; do wait "$pid"; done
sleep 2                                             # IPv6 duplicate address detection takes a second
for tenant in red blue; do
  ip netns exec nvgre-${tenant}22 python3 "$here/traffic.py" serve "${tenant^}" &
  servers+=($!)
done
sleep 1
talk red >/dev/null & talking=$!
talk blue >/dev/null
wait "$talking"

for pid in "${recorders[@]}"; do kill -INT "$pid"; wait "$pid" || true; done
recorders=()
for tenant in red blue; do
  grep -q '^0 packets dropped by kernel' "$here/$tenant.log.tmp" || { cat "$here/$tenant.log.tmp" >&2; exit 1; }
done
for tenant in red blue; do mv "$here/$tenant.pcap.tmp" "$here/$tenant.pcap"; done
