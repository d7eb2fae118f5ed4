//! A capture of what a guest sends through the dataplane, file to file:
//! `rewrite_pcap nat|encap IN OUT`.
//!
//! `nat`: with records of `TranslationMethodNat` that put a guest's 10.x.y.z at 172.x.y.z, which is what
//! `tcprewrite --pnat=10.0.0.0/8:172.0.0.0/8` is told. `encap`: into NVGRE.

mod pcap_out;

use std::env;
use std::error::Error;
use std::net::IpAddr;
use std::path::Path;

use nvgre_bench_cases::{Tables, case_of};
use nvgre_capture::Reader;
use nvgre_dataplane::{Nanos, NoEgress, NoTrace, Policy, PortFrame, Snapshot, Verdict, Worker};
use nvgre_wire::{CustomerAddress, FrameBuf, HEADROOM, ProviderAddress};
use pcap_out::PcapOut;

/// Frames forwarded at once.
const BATCH: usize = 64;

/// Bytes from one frame to the next: as many as an Ethernet frame with a tag may have, and room in
/// front.
const STRIDE: usize = 1_664;

const _: () = assert!(HEADROOM + 1_518 <= STRIDE);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [how, input, output] = arguments[..] else {
        return Err("usage: rewrite_pcap nat|encap IN OUT".into());
    };
    let policy = match how {
        "nat" => rewritten(policy("nat/udp/64B/out")?),
        "encap" => policy("encap/ipv4/64B")?,
        _ => return Err("usage: rewrite_pcap nat|encap IN OUT".into()),
    };
    let snapshot = Snapshot::new(&policy, 1).map_err(|errors| format!("{errors:?}"))?;
    let port = policy.ports.first().ok_or("nobody sends")?.id;
    let mut reader = Reader::open(input)?;
    let mut out = PcapOut::create(Path::new(output))?;
    let mut worker = Worker::new();
    let mut memory = vec![0; STRIDE * BATCH];
    let mut times = [0; BATCH];
    loop {
        let packets = reader.packets(BATCH)?;
        if packets.is_empty() {
            return Ok(out.finish()?);
        }
        let mut frames = Vec::with_capacity(BATCH);
        let places = memory.chunks_exact_mut(STRIDE).zip(&mut times);
        for (index, (place, time)) in places.take(packets.len()).enumerate() {
            let packet = packets.get(index);
            let end = HEADROOM + packet.data.len();
            let Some(bytes) = place.get_mut(HEADROOM..end) else {
                return Err(format!("frame {} is too long", packet.number).into());
            };
            bytes.copy_from_slice(packet.data);
            *time = packet.time_ns;
            let frame = FrameBuf::new(place, HEADROOM..end)?;
            frames.push(PortFrame { port, frame });
        }
        let mut verdicts = [Verdict::Consumed; BATCH];
        let verdicts = &mut verdicts[..frames.len()];
        worker.outbound(
            Nanos(0),
            &snapshot,
            &mut frames,
            verdicts,
            &mut NoEgress,
            &mut NoTrace,
        );
        for ((PortFrame { frame, .. }, verdict), time) in frames.iter().zip(verdicts).zip(times) {
            if *verdict != Verdict::Uplink {
                return Err(format!("a frame that was to leave: {verdict:?}").into());
            }
            out.write(time, frame.bytes())?;
        }
    }
}

fn policy(case: &str) -> Result<Policy, Box<dyn Error>> {
    let scene = case_of(case).ok_or("no such case")?.scene;
    Ok(scene.policy(&Tables::new(1_000)))
}

/// The same guests at addresses that a prefix can be exchanged for.
fn rewritten(mut policy: Policy) -> Policy {
    for record in &mut policy.records {
        record.provider_address = place_of(record.customer_address);
    }
    let here = policy.records.iter().zip(&mut policy.provider_addresses);
    for (record, address) in here {
        address.address = record.provider_address;
    }
    policy
}

fn place_of(guest: CustomerAddress) -> ProviderAddress {
    let IpAddr::V4(address) = guest.ip() else {
        unreachable!("the guests of these cases have IPv4 addresses");
    };
    let [_, rest @ ..] = address.octets();
    ProviderAddress::v4([172, rest[0], rest[1], rest[2]])
}
