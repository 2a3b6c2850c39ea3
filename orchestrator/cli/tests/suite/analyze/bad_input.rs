//! Files that are broken, empty or wrong, and mistakes on the command line.

use insta::assert_snapshot;

use super::shop::SLOW;
use super::{analyze, bench, section};

#[test]
fn too_few_requests_are_said_to_be_too_few() {
    let bench = bench();
    let few: String = SLOW
        .otlp()
        .lines()
        .take(12)
        .map(|line| format!("{line}\n"))
        .collect();
    bench.write("few.jsonl", &few);
    let ended = analyze(&bench, &["few.jsonl", "--baseline", "calm.jsonl"]).with(4);
    assert_snapshot!(section(&ended.stdout, "VERDICT"), @r#"
    VERDICT
      In `few`, there is too little data to tell: the window has 12 requests, and 50 are needed.
    "#);
}

#[test]
fn a_broken_line_is_named_and_the_rest_is_analysed() {
    let bench = bench();
    let mut lines: Vec<String> = SLOW.otlp().lines().map(str::to_owned).collect();
    lines[6] = "{\"resourceSpans\": [oops".to_owned();
    let last = lines.len() - 1;
    let half = lines[last].len() / 2;
    lines[last].truncate(half);
    bench.write("broken.jsonl", &lines.join("\n"));
    let ended = analyze(&bench, &["broken.jsonl", "--baseline", "calm.jsonl"]).with(0);
    assert_snapshot!(section(&ended.stdout, "READ"), @r#"
    READ
      source        part      format     spans  logs  metrics  dropped  oddities
      calm.jsonl    baseline  OTLP JSON    600     –        –        –         –
      broken.jsonl  window    OTLP JSON    592     –        –        2         –
    "#);
    let notes = section(&ended.stdout, "NOTES");
    for place in ["broken.jsonl, line 7: ", "broken.jsonl, line 120: "] {
        assert!(notes.contains(place), "{place} in {notes}");
    }
    assert!(
        section(&ended.stdout, "VERDICT").contains("orders-db"),
        "{}",
        ended.stdout
    );
}

#[test]
fn what_holds_nothing_is_an_error_of_the_environment() {
    let bench = bench();
    bench.write("empty.jsonl", "");
    bench.write("wrong.txt", "name,value\nx,1\n");
    let stderr = |arguments: &[&str]| {
        let said = analyze(&bench, arguments).with(3).stderr;
        said.replace(&ragdoll_trace::format_names(), "FORMATS")
    };
    assert_snapshot!(stderr(&["empty.jsonl", "--baseline", "calm.jsonl"]), @r#"
    error: there is no span in empty.jsonl
      empty.jsonl is empty
      give the files that hold the traces
    "#);
    assert_snapshot!(stderr(&["slow.jsonl", "--baseline", "empty.jsonl"]), @r#"
    error: there is no span in empty.jsonl
      empty.jsonl is empty
      give the files that hold the traces
    "#);
    assert_snapshot!(stderr(&["wrong.txt", "--baseline", "calm.jsonl"]), @r#"
    error: there is no span in wrong.txt
      wrong.txt, line 1: it begins with `name,value`, but FORMATS expected, each plain, gzip or zstd
    "#);
    assert_snapshot!(stderr(&["gone.jsonl", "--window", "1..2"]), @r#"
    error: there is no span in gone.jsonl
      gone.jsonl cannot be opened: No such file or directory (os error 2); check the path and its permissions
    "#);
}

#[test]
fn one_wrong_file_does_not_hide_the_others() {
    let bench = bench();
    bench.write("wrong.txt", "name,value\nx,1\n");
    bench.write("empty.jsonl", "");
    let arguments = [
        "slow.jsonl",
        "wrong.txt",
        "empty.jsonl",
        "--baseline",
        "calm.jsonl",
    ];
    let ended = analyze(&bench, &arguments).with(0);
    assert!(
        ended.stderr.starts_with("warning: wrong.txt, line 1: "),
        "{}",
        ended.stderr
    );
    assert!(ended.stdout.contains("orders-db"));
    assert_snapshot!(section(&ended.stdout, "READ"), @r#"
    READ
      source       part      format     spans  logs  metrics  dropped  oddities
      calm.jsonl   baseline  OTLP JSON    600     –        –        –         –
      slow.jsonl   window    OTLP JSON    600     –        –        –         –
      empty.jsonl  window    empty          –     –        –        –         –
      wrong.txt    window    not read       –     –        –        –         –
    "#);
    assert!(
        section(&ended.stdout, "NOTES").contains("empty.jsonl is empty."),
        "{}",
        ended.stdout
    );
}

#[test]
fn mistakes_on_the_command_line_say_what_to_do() {
    let bench = bench();
    let stderr = |arguments: &[&str]| analyze(&bench, arguments).with(2).stderr;
    let slow = "slow.jsonl";
    for (arguments, part) in [
        (
            vec![slow, "--window", "500.."],
            "--window 500..: no span starts then",
        ),
        (vec![slow, "--window", "0..30"], "no span starts before it"),
        (
            vec![slow, "--window", "10..30", "--baseline-window", "5..20"],
            "--window and --baseline-window overlap",
        ),
        (
            vec![slow, "--window", "noon.."],
            "`noon` is neither a time of RFC 3339",
        ),
        (
            vec!["-", "--baseline", "-"],
            "standard input can be read once",
        ),
        (
            vec![slow, "--baseline", "calm.jsonl", "--operation", "GET /"],
            "no root span is called `GET /`; there are `POST /checkout`",
        ),
    ] {
        let said = stderr(&arguments);
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
}
