//! Whatever comes, reading ends, and keeps what is whole.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::LazyLock;

use crate::common::{read, sample, words};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use ragdoll_trace::{OtlpJsonWriter, Reader};

/// The samples of all formats, in the order of their names.
static SAMPLES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let folder = std::fs::read_dir(sample("")).expect("there are samples");
    let paths = folder.map(|entry| entry.expect("a sample").path());
    let paths: BTreeSet<PathBuf> = paths.collect();
    let bytes = paths.iter().map(std::fs::read);
    bytes.collect::<Result<_, _>>().expect("readable samples")
});

/// Reads what may be no telemetry at all, and tries what is said about it.
fn read_any(bytes: &[u8]) -> usize {
    let mut reader = Reader::new();
    // That it is refused is as good as any other outcome.
    let _ = reader.read("any", bytes);
    let (seen, report) = reader.finish();
    assert!(report.notes().iter().all(|note| note.ends_with('.')));
    assert!(
        seen.traces
            .spans()
            .iter()
            .all(|span| span.start_ns <= span.end_ns)
    );
    seen.traces.spans().len()
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..ProptestConfig::with_cases(200)
    })]

    #[test]
    fn no_bytes_are_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        read_any(&bytes);
        for start in [&b"\x0a"[..], b"\0\0\0\x20\x0a", b"{\"resourceSpans\":", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"] {
            read_any(&[start, &bytes].concat());
        }
    }

    #[test]
    fn no_damage_to_a_sample_is_too_odd(
        which in 0..SAMPLES.len(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = SAMPLES[which].clone();
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        read_any(&bytes);
    }

    #[test]
    fn every_whole_line_before_a_cut_counts(lines in 1_usize..5, cut in any::<prop::sample::Index>()) {
        let line = |span: usize| format!(
            "{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{{\"traceId\":\"1\",\"spanId\":\"{span}\",\"startTimeUnixNano\":\"5\",\"endTimeUnixNano\":\"6\"}}]}}]}}]}}\n"
        );
        let text: String = (1..=lines).map(line).collect();
        let cut = cut.index(text.len() + 1);
        let whole = text[..cut].matches('\n').count();
        let spans = read_any(&text.as_bytes()[..cut]);
        // A span may be whole though its line is not.
        prop_assert!((whole..=whole + 1).contains(&spans), "{spans} spans of {whole} lines");
    }

    #[test]
    fn what_is_written_is_read_back_as_it_was(which in 0..SAMPLES.len()) {
        let (seen, _) = read(&SAMPLES[which]);
        let mut out = Vec::new();
        let mut writer = OtlpJsonWriter::new();
        for place in 0..seen.traces.spans().len() {
            writer.write_batch(&mut out, &seen.traces, place..place + 1);
        }
        prop_assume!(!out.is_empty());
        let (again, _) = read(&out);
        let spans = |words: String, count: usize| -> Vec<String> {
            words.lines().take(count).map(str::to_owned).collect()
        };
        let count = seen.traces.spans().len();
        let before = words(&(seen, Default::default()));
        let after = words(&(again, Default::default()));
        prop_assert_eq!(spans(before, count), spans(after, count));
    }
}
