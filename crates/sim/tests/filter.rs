//! Filters: what an expression means over whole walks, how it reads back, and what is said of mistakes.

mod common;

use common::*;
use nvgre_capture::{LinkType, Packet, PacketOptions};
use nvgre_sim::{Filter, MapFile, Replay, Scenario};
use proptest::prelude::*;

fn scenario() -> Scenario {
    Scenario::parse("small.toml", &scenario_text("")).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// Five frames: Red1 to Red2 on the other host, a question that its host answers, one to an address
/// that no record has, Blue1 to Blue3 on its own host, and one from nobody.
fn matched(expression: &str) -> Vec<u64> {
    let filter = Filter::parse(expression, &scenario());
    let filter = filter.unwrap_or_else(|error| panic!("{}", error.render("test", expression)));
    let mut replay = Replay::new(model(), MapFile::default());
    replay.show_only(filter);
    let mut foreign = udp(5, 7);
    foreign[6..12].copy_from_slice(&[0x02, 0, 0, 0, 0, 0x77]);
    let frames = [
        (udp(5, 7), Some("Red1")),
        (question(5, 7), Some("Red1")),
        (udp(5, 99), Some("Red1")),
        (udp(5, 9), Some("Blue1")),
        (foreign, None),
    ];
    for (index, (frame, interface)) in frames.iter().enumerate() {
        let packet = Packet {
            number: index as u64 + 1,
            time_ns: 1_700_000_000_000_000_000,
            interface: 0,
            interface_name: *interface,
            link_type: LinkType::ETHERNET,
            original_len: frame.len() as u32,
            data: frame,
            options: PacketOptions::NONE,
        };
        replay
            .packet(&packet, "x.pcap")
            .expect("it can be replayed");
    }
    let report = replay.report().frames;
    assert_eq!(
        (report.read, report.skipped),
        (5, 1),
        "the books are of all"
    );
    let (_, matches) = replay.matches().expect("a filter");
    assert_eq!(matches.frames, matches.listed.len() as u64);
    matches.listed.iter().map(|told| told.frame).collect()
}

#[test]
fn a_test_holds_for_the_walks_that_have_such_a_value() {
    for (expression, frames) in [
        ("frame == 2", &[2][..]),
        ("frame >= 4", &[4, 5]),
        ("frame < 2", &[1]),
        ("frame in {1, 5, 9}", &[1, 5]),
        ("verdict == delivered", &[1, 4]),
        ("verdict == dropped", &[3]),
        ("verdict == consumed", &[2]),
        ("verdict == skipped", &[5]),
        ("reason == no_lookup_record", &[3]),
        ("reason == unknown_port", &[5]),
        ("tenant == red", &[1, 2, 3]),
        ("tenant == Blue", &[4]),
        ("guest == Red2", &[1]),
        ("guest == \"Blue1/Network Adapter\"", &[4]),
        ("host == host2", &[1]),
        ("host == host1", &[2, 3, 4]),
        ("vsid == 6001", &[1, 2, 3]),
        ("vsid == 0x1389", &[4]),
        ("inner.dst == 10.0.0.7", &[1, 2, 5]),
        ("inner.dst == 10.0.0.96/28", &[3]),
        ("inner.dst == ::/0", &[]),
        ("inner.src == 10.0.0.5 and inner.proto == arp", &[2]),
        ("inner.proto == udp", &[1, 3, 4, 5]),
        ("inner.proto == 17", &[1, 3, 4, 5]),
        ("inner.mac.src == 02-00-00-00-00-77", &[5]),
        ("inner.mac.dst == ff:ff:ff:ff:ff:ff", &[2]),
        ("inner.dstport > 0 and frame == 1", &[1]),
        ("outer.src == 192.0.2.1 and outer.dst == 192.0.2.0/30", &[1]),
        ("flow_id >= 0", &[1]),
    ] {
        assert_eq!(matched(expression), frames, "{expression}");
    }
}

#[test]
fn and_binds_before_or_and_not_before_both() {
    for (expression, frames) in [
        ("frame == 1 or frame == 2 and frame == 3", &[1][..]),
        ("(frame == 1 or frame == 2) and frame == 2", &[2]),
        ("not frame == 1 and frame < 3", &[2]),
        ("!(frame == 1 || frame ge 3)", &[2]),
        ("not not frame eq 4", &[4]),
        ("NOT frame NE 4 AND vsid == 5001", &[4]),
    ] {
        assert_eq!(matched(expression), frames, "{expression}");
    }
}

#[test]
fn unequal_is_what_is_not_equal_also_where_there_is_no_value() {
    for (expression, frames) in [
        ("tenant != Red", &[4, 5][..]),
        ("reason != no_lookup_record", &[1, 2, 4, 5]),
        ("outer.dst != 192.0.2.2", &[2, 3, 4, 5]),
        ("outer.dst != 192.0.2.3", &[1, 2, 3, 4, 5]),
    ] {
        assert_eq!(matched(expression), frames, "{expression}");
    }
}

#[test]
fn mistakes_are_told_with_their_place_and_what_was_meant() {
    for (wrong, span, message, help) in [
        (
            "tenant == Redd",
            10..14,
            "there is no tenant 'Redd'",
            Some("did you mean Red?"),
        ),
        (
            "gest == Red1",
            0..4,
            "there is no field 'gest'",
            Some("did you mean guest?"),
        ),
        (
            "reason == no_lookup",
            10..19,
            "there is no reason 'no_lookup'",
            None,
        ),
        (
            "host == host3",
            8..13,
            "there is no host 'host3'",
            Some("did you mean host1?"),
        ),
        (
            "guest == Green",
            9..14,
            "there is no guest 'Green'",
            Some("there are: Red1, Red2, Blue1, Blue2, Blue3, Plain1, Plain2, Local1"),
        ),
        (
            "vsid = 5",
            5..6,
            "'=' is no operator",
            Some("write == for equality"),
        ),
        (
            "vsid == 16777216",
            8..16,
            "vsid takes a number up to 16777215, not '16777216'",
            None,
        ),
        (
            "inner.src == 10.0.0",
            13..19,
            "inner.src takes an address",
            None,
        ),
        (
            "tenant < Red",
            7..8,
            "values of tenant have no order",
            Some("use == or !="),
        ),
        (
            "(frame == 1",
            11..11,
            "')' is expected",
            Some("column 1 is not closed"),
        ),
        ("frame == 1)", 10..11, "'and' or 'or' is expected", None),
        ("frame == 1 and", 14..14, "a field is expected", None),
        (
            "frame in 1",
            9..10,
            "'{' is expected",
            Some("frame in {a, b}"),
        ),
        ("frame ==", 8..8, "a value of frame is expected", None),
        ("frame == \"1", 9..11, "the quote is not closed", None),
        ("", 0..0, "a field is expected", None),
    ] {
        let error = Filter::parse(wrong, &scenario()).expect_err(wrong);
        assert_eq!(error.span, span, "{wrong}: {error}");
        assert!(error.message.starts_with(message), "{wrong}: {error}");
        if let Some(help) = help {
            let told = error.help.as_deref().unwrap_or_default();
            assert!(told.contains(help), "{wrong}: {told}");
        }
    }
    let deep = "(".repeat(100_000) + "frame == 1";
    let error = Filter::parse(&deep, &scenario()).expect_err("too deep");
    assert!(error.message.contains("deeper"), "{error}");
}

fn test_text() -> impl Strategy<Value = String> {
    let equal = prop::sample::select(vec!["==", "!=", " eq ", " ne "]);
    let order = prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">=", " lt ", " ge "]);
    let number = (
        prop::sample::select(vec!["vsid", "frame"]),
        order,
        0..99_999_u32,
    );
    let word = prop::sample::select(vec![
        ("verdict", "dropped"),
        ("reason", "no_port"),
        ("tenant", "RED"),
        ("guest", "\"plain1\""),
        ("host", "host2"),
        ("inner.src", "10.0.0.0/8"),
        ("inner.dst", "fd00::1"),
        ("inner.mac.src", "00155D000005"),
        ("inner.proto", "icmpv6"),
        ("inner.proto", "132"),
    ]);
    prop_oneof![
        number.prop_map(|(field, operator, value)| format!("{field}{operator}{value}")),
        (word.clone(), equal)
            .prop_map(|((field, value), operator)| { format!("{field} {operator} {value}") }),
        (word, 1..4_usize).prop_map(|((field, value), count)| {
            format!("{field} in {{{}}}", vec![value; count].join(" ,"))
        }),
    ]
}

fn expression_text() -> impl Strategy<Value = String> {
    test_text().prop_recursive(5, 40, 4, |inner| {
        let joined = prop::sample::select(vec![" and ", "&&", " or ", "||"]);
        prop_oneof![
            (prop::collection::vec(inner.clone(), 1..4), joined)
                .prop_map(|(parts, with)| parts.join(with)),
            inner.clone().prop_map(|part| format!("({part})")),
            inner.clone().prop_map(|part| format!("not ({part})")),
            inner.prop_map(|part| format!("!{part}")),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_shown_of_an_expression_reads_as_the_same(text in expression_text()) {
        let scenario = scenario();
        let read = Filter::parse(&text, &scenario).map_err(|error| {
            TestCaseError::fail(error.render("test", &text))
        })?;
        let shown = read.to_string();
        prop_assert_eq!(Filter::parse(&shown, &scenario), Ok(read.clone()), "{}", shown);
    }

    #[test]
    fn no_text_is_too_odd_to_be_refused(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "vsid", "==", "(", ")", "and", "or", "not", "!", "{", "}", ",", "\"", "\\", "1", "in",
                "tenant", "=", "&", "ü", " ", "Red", "0x", "-1", "10.0.0.1",
            ]),
            0..20,
        )
    ) {
        let text = parts.concat();
        if let Err(error) = Filter::parse(&text, &scenario()) {
            prop_assert!(!error.render("test", &text).is_empty());
        }
    }
}
