//! Any text as a scenario: it is read, or every error has a place within it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nvgre_sim::Scenario;

fuzz_target!(|text: &str| {
    if let Err(errors) = Scenario::parse("fuzz.toml", text) {
        for error in errors {
            assert!(error.span.end <= text.len());
            let _rendered = error.render(text);
        }
    }
});
