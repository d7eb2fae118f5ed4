//! Completions and manual pages: made from the command line, and sound for the programs that read
//! them.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use common::nvgre;

const SHELLS: &[&str] = &["bash", "zsh", "fish", "powershell", "elvish"];

/// Runs a program on this text. None where it is missing, which is said aloud.
fn read_by(program: &str, arguments: &[&str], text: &str) -> Option<std::process::Output> {
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        println!("skipped: {program} is not installed");
        return None;
    };
    let mut stdin = child.stdin.take().expect("a pipe");
    let text = text.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("it ends").expect("it reads");
    Some(output)
}

/// The verbs that help lists, and those of `pcap`.
fn visible_verbs() -> BTreeSet<String> {
    let listed = |words: &[&str]| -> Vec<String> {
        let help = nvgre(words.iter().copied().chain(["--help"])).stdout;
        let verbs = help.split("Commands:\n").nth(1).expect("a list");
        let verbs = verbs.lines().take_while(|line| !line.is_empty());
        verbs
            .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
            .filter_map(|line| line.split_whitespace().next())
            .filter(|verb| *verb != "help")
            .map(|verb| [words, &[verb]].concat().join("-"))
            .collect()
    };
    listed(&[]).into_iter().chain(listed(&["pcap"])).collect()
}

#[test]
fn every_shell_gets_completions_of_every_verb() {
    let verbs = visible_verbs();
    assert!(
        verbs.contains("replay") && verbs.contains("pcap-decap"),
        "{verbs:?}"
    );
    for shell in SHELLS {
        let ran = nvgre(["completions", shell]);
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{shell}");
        for verb in verbs.iter().filter_map(|verb| verb.split('-').next_back()) {
            assert!(ran.stdout.contains(verb), "{verb} for {shell}");
        }
        assert!(ran.stdout.contains("fail-on"), "{shell}");
    }
    assert_eq!(nvgre(["completions", "cmd"]).exit, 2);
}

#[test]
fn bash_takes_its_completions_and_completes_verbs_and_options() {
    let script = nvgre(["completions", "bash"]).stdout;
    let Some(checked) = read_by("bash", &["-n"], &script) else {
        return;
    };
    assert!(checked.status.success(), "{checked:?}");
    // As bash calls it: the command, the word before the cursor, the word before that.
    let completed = |words: &[&str]| {
        let (cursor, current) = (words.len() - 1, words[words.len() - 1]);
        let (words, previous) = (words.join("' '"), words[cursor - 1]);
        let ask = format!(
            "{script}\nCOMP_WORDS=('{words}')\nCOMP_CWORD={cursor}\n\
             _nvgre nvgre '{current}' '{previous}'\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
        );
        let output = read_by("bash", &[], &ask).expect("bash is there");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert_eq!(completed(&["nvgre", "rep"]), "replay\n");
    assert_eq!(completed(&["nvgre", "replay", "--fail"]), "--fail-on\n");
    assert!(completed(&["nvgre", "pcap", ""]).contains("decap"));
}

#[test]
fn every_verb_has_a_manual_page_that_groff_takes_without_a_warning() {
    let folder = tempfile::tempdir().expect("a folder");
    let pages = folder.path().join("man1");
    let ran = nvgre(["man".as_ref(), pages.as_os_str()]);
    assert_eq!(
        (ran.exit, ran.stdout.as_str(), ran.stderr.as_str()),
        (0, "", "")
    );
    let written = fs::read_dir(&pages).expect("a folder");
    let written: BTreeSet<String> = written
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    let expected: BTreeSet<_> = visible_verbs()
        .into_iter()
        .map(|verb| format!("nvgre-{verb}.1"))
        .chain(["nvgre.1".to_owned()])
        .collect();
    assert_eq!(written, expected);
    for name in written {
        let text = fs::read_to_string(pages.join(&name)).expect("text");
        assert!(text.contains("\n.SH NAME\n"), "{name}");
        let Some(output) = read_by("groff", &["-man", "-Tutf8", "-ww"], &text) else {
            return;
        };
        let (page, warned) = (output.stdout, output.stderr);
        let warned = String::from_utf8_lossy(&warned);
        assert!(
            output.status.success() && warned.is_empty(),
            "{name}: {warned}"
        );
        assert!(!page.is_empty(), "{name}");
    }
}

#[test]
fn help_tells_of_completions_and_manual_pages_which_are_text_with_json_as_well() {
    let help = nvgre(["--help"]).stdout;
    for verb in ["completions", "man"] {
        assert!(help.contains(&format!("\n  {verb} ")), "{help}");
    }
    for words in [&["completions", "bash"][..], &["man"]] {
        let with_json = nvgre([words, &["--json"]].concat());
        assert_eq!(with_json.exit, 0);
        assert_eq!(with_json.stdout, nvgre(words).stdout);
    }
}

#[test]
fn without_a_folder_the_page_of_the_command_is_printed() {
    let ran = nvgre(["man"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    assert!(ran.stdout.contains("Exit codes"), "{}", ran.stdout);
}

#[test]
fn pages_that_cannot_be_written_exit_6() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    nvgre(["man", file]).failed_saying(6, &[file]);
    nvgre(["schemas", file]).failed_saying(6, &[file]);
}
