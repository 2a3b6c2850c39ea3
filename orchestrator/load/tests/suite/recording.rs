//! Recordings in both formats: small ones, broken ones, and the published ones where they are.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use ragdoll_load::{Recorded, Recording, RecordingError};
use ragdoll_model::workload::RecordedFormat::{self, AzureCsv, MooncakeJsonl};

const AZURE: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\r\n\
    2023-11-16 18:17:03.9799600,4808,10\r\n\
    2023-11-16 18:17:04.0319600,3180,0\r\n\
    2023-11-16 18:18:03.9799600,110,27";

const MOONCAKE: &str = r#"{"timestamp": 1000, "input_length": 6758, "output_length": 500, "hash_ids": [0, 1, 2]}
{"timestamp": 4000, "input_length": 12, "output_length": 1, "hash_ids": []}

{"timestamp": 1000, "input_length": 732, "output_length": 0, "hash_ids": [0, 14]}
{"timestamp": 3500.25, "input_length": 5, "output_length": 6}
"#;

fn read(file: &str, text: &[u8], format: RecordedFormat) -> Result<Recording, RecordingError> {
    Recording::read(Path::new(file), text, format)
}

fn recorded(at_us: u64, prompt_tokens: u32, output_tokens: u32, prefix_ids: &[u64]) -> Recorded {
    Recorded {
        at_us,
        prompt_tokens,
        output_tokens,
        prefix_ids: prefix_ids.into(),
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).expect("memory can be written to");
    encoder.finish().expect("memory can be written to")
}

#[test]
fn azure_csv_is_read_to_its_last_line_without_a_newline() {
    let recording = read("a.csv", AZURE.as_bytes(), AzureCsv).expect("the recording is valid");
    let expected = [
        recorded(0, 4808, 10, &[]),
        recorded(52_000, 3180, 1, &[]),
        recorded(60_000_000, 110, 27, &[]),
    ];
    assert_eq!(recording.requests(), expected);
    assert_eq!(recording.out_of_order(), 0);
}

#[test]
fn azure_csv_may_have_offsets_and_other_columns() {
    let text = "Model,GeneratedTokens,ContextTokens,TIMESTAMP\n\
        a,1,2,2024-05-12 00:00:01.5+00:00\n\
        b,3,4,2024-05-12 02:00:01+02:00\n";
    let recording = read("a.csv", text.as_bytes(), AzureCsv).expect("the recording is valid");
    let expected = [recorded(0, 4, 3, &[]), recorded(500_000, 2, 1, &[])];
    assert_eq!(recording.requests(), expected);
    assert_eq!(recording.out_of_order(), 1);
}

#[test]
fn mooncake_lines_are_sorted_by_time_and_those_out_of_order_counted() {
    let recording = read("m.jsonl", MOONCAKE.as_bytes(), MooncakeJsonl).expect("it is valid");
    let expected = [
        recorded(0, 6758, 500, &[0, 1, 2]),
        recorded(0, 732, 1, &[0, 14]),
        recorded(2_500_250, 5, 6, &[]),
        recorded(3_000_000, 12, 1, &[]),
    ];
    assert_eq!(recording.requests(), expected);
    assert_eq!(recording.out_of_order(), 2);
}

#[test]
fn a_name_in_gz_is_decompressed_in_both_formats() {
    for (text, plain, packed, format) in [
        (AZURE, "a.csv", "a.csv.gz", AzureCsv),
        (MOONCAKE, "m.jsonl", "m.jsonl.gz", MooncakeJsonl),
    ] {
        let plain = read(plain, text.as_bytes(), format).expect("the recording is valid");
        let packed = read(packed, &gzip(text.as_bytes()), format).expect("it is valid");
        assert_eq!(plain.requests(), packed.requests());
    }
}

#[test]
fn a_window_counts_from_its_start_and_speed_shortens_time() {
    let recording = read("m.jsonl", MOONCAKE.as_bytes(), MooncakeJsonl).expect("it is valid");
    let times_us = |window, speed| -> Vec<u64> {
        let replayed = recording
            .replay(window, speed)
            .expect("the window is valid");
        replayed.requests().iter().map(|r| r.at_us).collect()
    };
    assert_eq!(times_us(None, 1.0), [0, 0, 2_500_250, 3_000_000]);
    assert_eq!(times_us(None, 2.0), [0, 0, 1_250_125, 1_500_000]);
    assert_eq!(times_us(Some([2.0, 3.0]), 1.0), [500_250]);
    assert_eq!(times_us(Some([2.0, 100.0]), 0.5), [1_000_500, 2_000_000]);
}

#[test]
fn messages_name_the_file_the_line_and_what_is_wrong() {
    let header = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9,1,1\n";
    let csv = |line: &str| format!("{header}{line}").into_bytes();
    let jsonl = |line: &str| {
        let first = r#"{"timestamp": 0, "input_length": 1, "output_length": 1}"#;
        format!("{first}\n{line}\n").into_bytes()
    };
    let cut = gzip(MOONCAKE.as_bytes())[..60].to_vec();
    let mooncake_with = |timestamp: &str, input: &str, hash_ids: &str| {
        jsonl(&format!(
            r#"{{"timestamp": {timestamp}, "input_length": {input}, "output_length": 1, "hash_ids": {hash_ids}}}"#
        ))
    };
    let cases = [
        ("a.csv", AzureCsv, Vec::new()),
        (
            "a.csv",
            AzureCsv,
            b"TIMESTAMP,ContextTokens,GeneratedTokens\n".to_vec(),
        ),
        ("a.csv", AzureCsv, b"TIMESTAMP,ContextTokens\n".to_vec()),
        ("m.jsonl", AzureCsv, MOONCAKE.as_bytes().to_vec()),
        ("a.csv", AzureCsv, gzip(AZURE.as_bytes())),
        ("a.csv", AzureCsv, csv("2023-11-16 18:17:04,12")),
        ("a.csv", AzureCsv, csv("2023-11-16 18:17:04,many,1")),
        ("a.csv", AzureCsv, csv("2023-11-16 18:17:04,-3,1")),
        ("a.csv", AzureCsv, csv("2023-11-16 18:17:04,1,5000000000")),
        ("a.csv", AzureCsv, csv("16/11/2023 18:17,1,1")),
        ("m.jsonl", MooncakeJsonl, Vec::new()),
        ("a.csv", MooncakeJsonl, AZURE.as_bytes().to_vec()),
        ("m.jsonl", MooncakeJsonl, gzip(MOONCAKE.as_bytes())),
        ("m.jsonl", MooncakeJsonl, jsonl("[1, 2]")),
        ("m.jsonl", MooncakeJsonl, jsonl(r#"{"timestamp": 0, "#)),
        (
            "m.jsonl",
            MooncakeJsonl,
            jsonl(r#"{"timestamp": 0, "input_length": 1}"#),
        ),
        ("m.jsonl", MooncakeJsonl, mooncake_with("-5", "1", "[]")),
        (
            "m.jsonl",
            MooncakeJsonl,
            mooncake_with(r#""now""#, "1", "[]"),
        ),
        ("m.jsonl", MooncakeJsonl, mooncake_with("0", "1.5", "[]")),
        (
            "m.jsonl",
            MooncakeJsonl,
            mooncake_with("0", "1", r#"["a"]"#),
        ),
        ("m.jsonl.gz", MooncakeJsonl, MOONCAKE.as_bytes().to_vec()),
        ("m.jsonl.gz", MooncakeJsonl, cut),
    ];
    let mut messages = String::new();
    for (file, format, text) in cases {
        let error = read(file, &text, format).expect_err("the recording is broken");
        writeln!(messages, "{error}").expect("text grows");
    }
    let recording = read("a.csv", AZURE.as_bytes(), AzureCsv).expect("the recording is valid");
    for (window, speed) in [
        (Some([100.0, 200.0]), 1.0),
        (Some([1.0, 2.0]), 1.0),
        (Some([2.0, 1.0]), 1.0),
        (Some([-1.0, 1.0]), 1.0),
        (Some([0.0, f64::NAN]), 1.0),
        (None, 0.0),
        (None, f64::INFINITY),
    ] {
        let error = recording
            .replay(window, speed)
            .expect_err("nothing to replay");
        writeln!(messages, "{error}").expect("text grows");
    }
    insta::assert_snapshot!(messages);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Recording::open(Path::new("no/such.csv"), AzureCsv).expect_err("it is not there");
    assert!(
        error
            .to_string()
            .starts_with("no/such.csv: cannot be read: "),
        "{error}"
    );
}

/// A recording of real traffic, kept beside the repository; none where it is absent.
#[allow(clippy::print_stdout, reason = "a skipped check must say so")]
fn published(name: &str, format: RecordedFormat) -> Option<Recording> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/workloads");
    let path: PathBuf = folder.join(name);
    if !path.exists() {
        println!("skipped: {name} is not beside the repository");
        return None;
    }
    Some(Recording::open(&path, format).expect("the published recording is valid"))
}

#[test]
fn the_published_recordings_are_read_whole() {
    for (name, format, requests) in [
        ("azure_llm_2023_conv.csv", AzureCsv, 19_366),
        ("azure_llm_2023_code.csv", AzureCsv, 8_819),
        ("mooncake_conversation.jsonl.gz", MooncakeJsonl, 12_031),
    ] {
        let Some(recording) = published(name, format) else {
            continue;
        };
        assert_eq!(recording.requests().len(), requests, "{name}");
        assert_eq!(recording.out_of_order(), 0, "{name}");
        // All three were recorded over one hour.
        let minutes = recording.length_us() as f64 / 6e7;
        assert!(
            (50.0..=60.0).contains(&minutes),
            "{name}: {minutes} minutes"
        );
    }
}

#[test]
fn azures_conversations_have_the_published_medians() {
    let Some(recording) = published("azure_llm_2023_conv.csv", AzureCsv) else {
        return;
    };
    let median = |tokens: fn(&Recorded) -> u32| {
        let mut tokens: Vec<u32> = recording.requests().iter().map(tokens).collect();
        tokens.sort_unstable();
        tokens[tokens.len() / 2]
    };
    // Splitwise (arXiv 2311.18677), section III.
    assert_eq!(median(|recorded| recorded.prompt_tokens), 1_020);
    assert_eq!(median(|recorded| recorded.output_tokens), 129);
}
