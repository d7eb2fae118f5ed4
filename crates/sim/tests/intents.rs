//! Intents: who is to reach whom, and what every mistake is answered with.

mod common;

use common::scenario_text;
use nvgre_sim::Scenario;
use nvgre_sim::scenario::{Party, Reach};

fn with(intents: &str) -> Result<Scenario, String> {
    let text = scenario_text(intents);
    Scenario::parse("small.toml", &text).map_err(|errors| {
        let told = errors.iter().map(|error| error.render(&text));
        told.collect::<Vec<_>>().join("\n")
    })
}

fn guest(scenario: &Scenario, name: &str) -> usize {
    scenario.guest_of_port(name).expect("it is there")
}

fn intent(from: &str, to: &str, expect: &str) -> String {
    format!("[[intent]]\nfrom = \"{from}\"\nto = \"{to}\"\nexpect = \"{expect}\"\n")
}

#[test]
fn without_intents_tenants_reach_themselves_and_nobody_else() {
    let scenario = with("").expect("no mistakes");
    for from in 0..scenario.guests.len() {
        for to in 0..scenario.guests.len() {
            let same = scenario.guests[from].tenant == scenario.guests[to].tenant;
            let reach = if same { Reach::Allow } else { Reach::Deny };
            assert_eq!(scenario.intent(from, to), (reach, None), "{from} to {to}");
        }
    }
}

#[test]
fn the_last_intent_that_is_about_both_decides() {
    let names: Vec<_> = with("").expect("no mistakes").guests;
    let red: Vec<_> = names.iter().filter(|guest| guest.tenant == 0).collect();
    let (one, other) = (red[0].name.clone(), red[1].name.clone());
    let text = intent("red", "Red", "deny") + &intent(&one, &other, "allow");
    let scenario = with(&text).expect("no mistakes");
    let (one, other) = (guest(&scenario, &one), guest(&scenario, &other));
    let (reach, stated) = scenario.intent(one, other);
    assert_eq!(reach, Reach::Allow);
    assert_eq!(stated.map(|intent| intent.from), Some(Party::Guest(one)));
    let (reach, stated) = scenario.intent(other, one);
    assert_eq!(reach, Reach::Deny);
    assert_eq!(stated.map(|intent| intent.to), Some(Party::Tenant(0)));
}

#[test]
fn an_unknown_name_is_answered_with_the_known_ones() {
    let told = with(&intent("Red", "Rad", "deny")).expect_err("Rad");
    assert!(
        told.contains("no guest or tenant is called 'Rad'"),
        "{told}"
    );
    assert!(told.contains("Red, Blue, Nobody"), "{told}");
    assert!(told.contains("^^^^^"), "{told}");
}

#[test]
fn only_allow_and_deny_are_intents() {
    let told = with(&intent("Red", "Red", "maybe")).expect_err("maybe");
    assert!(told.contains("'maybe' is no intent"), "{told}");
    assert!(told.contains("help: allow or deny"), "{told}");
}

#[test]
fn a_guest_does_not_reach_itself() {
    let name = with("").expect("no mistakes").guests[0].name.clone();
    let told = with(&intent(&name, &name, "allow")).expect_err("itself");
    assert!(told.contains("does not reach itself"), "{told}");
}
