//! Any text as a policy script: it runs, or every error has a place within it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nvgre_netwnv::{Estate, Host, Source};

fuzz_target!(|text: &str| {
    let source = Source::new("fuzz.ps1", text);
    let mut estate = Estate {
        hosts: vec![Host::new("Statler"), Host::new("Waldorf")],
    };
    if let Err(errors) = nvgre_netwnv::run(&source, "Statler", &mut estate) {
        for error in errors {
            assert!(error.span.end <= text.len());
            let _rendered = error.render(&source);
        }
    }
});
