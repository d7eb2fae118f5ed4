//! The packet flows of Hyper-V Network Virtualization, F-01 to F-16, end to end over two hosts.

mod common;

use common::*;

#[test]
fn f02_a_frame_to_a_guest_on_another_host_travels_in_nvgre_and_arrives_as_it_was() {
    for carriage in Carriage::ENCAP {
        let mut world = sample(carriage);
        for frame in [ping(BLUE1, BLUE2), ping6(BLUE1, BLUE2)] {
            let journey = world.guest_sends(BLUE1, &frame);
            journey.assert_only(BLUE2, &frame);
            let outer = read_nvgre(journey.sent.uplink());
            assert_eq!(outer.subnet, BLUE, "{journey}");
            assert_eq!(outer.inner, frame, "{journey}");
        }
    }
}
