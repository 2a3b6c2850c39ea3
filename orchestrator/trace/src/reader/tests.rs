//! Reading with limits that a test can reach.

use std::fmt::Write;
use std::num::NonZeroUsize;

use super::limits::Limits;
use super::{ReadReport, Reader};
use crate::oddities::Dropped;
use crate::set::Observations;

fn read(bytes: &[u8], threads: usize, limits: Limits) -> (Observations, ReadReport) {
    let threads = NonZeroUsize::new(threads).expect("at least one");
    let mut reader = Reader {
        limits,
        ..Reader::with_threads(threads)
    };
    reader.read("test", bytes).expect("readable");
    reader.finish()
}

/// Lines of spans with texts and resources that come and go, a bad line and a span that is twice.
fn lines() -> String {
    let mut text = String::new();
    for span in 1..200_u64 {
        let (service, name) = (span % 7, span % 31);
        let id = if span == 150 { 149 } else { span };
        writeln!(
            text,
            r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"s{service}"}}}}]}},"scopeSpans":[{{"spans":[{{"traceId":"1","spanId":"{id:x}","name":"n{name}","startTimeUnixNano":"9","endTimeUnixNano":"10","attributes":[{{"key":"k{span}","value":{{"stringValue":"v{span}"}}}}]}}]}}]}}]}}"#
        )
        .expect("memory is writable");
        if span == 80 {
            text.push_str("oops\n");
        }
    }
    text
}

#[test]
fn threads_and_chunks_change_nothing() {
    let text = lines();
    let list = format!(
        "[{}]",
        text.replace("oops\n", "").trim().replace('\n', ",\n")
    );
    for text in [text, list] {
        let (whole, report) = read(text.as_bytes(), 1, Limits::default());
        assert_eq!(whole.traces.spans().len(), 198);
        assert_eq!(report.dropped().get(&Dropped::DuplicateSpan), Some(&1));
        for (threads, chunk) in [(1, 700), (2, 700), (3, 2_000), (4, 10)] {
            let limits = Limits {
                chunk,
                ..Limits::default()
            };
            let (seen, in_parts) = read(text.as_bytes(), threads, limits);
            assert_eq!(
                seen.traces.spans(),
                whole.traces.spans(),
                "{threads}, {chunk}"
            );
            assert_eq!(seen.traces.resources(), whole.traces.resources());
            assert_eq!(seen.traces.symbol_count(), whole.traces.symbol_count());
            assert_eq!(in_parts.notes(), report.notes());
            assert_eq!(in_parts.sources[0].lines, report.sources[0].lines);
        }
    }
}

#[test]
fn a_line_that_is_too_long_is_refused_and_the_next_is_read() {
    let text = lines();
    let mut parts: Vec<&str> = text.lines().take(4).collect();
    let long = format!("{{\"resourceSpans\":\"{}\"}}", "x".repeat(5_000));
    parts.insert(2, &long);
    let limits = Limits {
        chunk: 300,
        record: 1_000,
    };
    for text in [parts.join("\n"), format!("[{}]", parts.join(",\n"))] {
        let (seen, report) = read(text.as_bytes(), 2, limits);
        assert_eq!(seen.traces.spans().len(), 4);
        assert_eq!(report.dropped().get(&Dropped::HugeLine), Some(&1));
        let notes = report.notes().join("\n");
        assert!(
            notes.contains("test, line 3: longer than 1000 bytes; write one batch a line"),
            "{notes}"
        );
    }
}

#[test]
fn a_message_that_is_too_long_is_passed_over() {
    // A resource without anything, one that is too long, and one without anything.
    let small = [0x0a, 2, 0x0a, 0];
    let long = [&[0x0a, 0xb8, 0x17][..], &[0x0a; 3_000]].concat();
    let limits = Limits {
        chunk: 64,
        record: 1_000,
    };
    let bytes = [&small[..], &long, &small].concat();
    let (_, report) = read(&bytes, 1, limits);
    assert_eq!(report.dropped().get(&Dropped::HugeLine), Some(&1));
    assert_eq!(report.dropped().len(), 1, "{:?}", report.notes());
    assert_eq!(report.sources[0].bytes, bytes.len() as u64);
    assert!(report.notes().join("\n").contains("test, byte 4: longer"));
}
